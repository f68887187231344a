using Fuse4fs.Fuse.Iomap;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Uploads;

/// <summary>Uploads and changes never overlap, each of them does among themselves, and nobody waits for ever.</summary>
public sealed class UploadGateTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Uploads_and_changes_exclude_each_other()
    {
        var gate = new UploadGate();
        int uploads = 0;
        int changes = 0;
        int both = 0;
        void Upload()
        {
            for (int i = 0; i < Rounds; i++)
            {
                if (gate.TryEnter())
                {
                    Interlocked.Increment(ref uploads);
                    both += Volatile.Read(ref changes) > 0 ? 1 : 0;
                    Interlocked.Decrement(ref uploads);
                    gate.Leave();
                }
            }
        }
        void Change()
        {
            for (int i = 0; i < Rounds; i++)
            {
                gate.EnterChange();
                Interlocked.Increment(ref changes);
                both += Volatile.Read(ref uploads) > 0 ? 1 : 0;
                Interlocked.Decrement(ref changes);
                gate.LeaveChange();
            }
        }
        Thread[] threads = [new(Upload), new(Upload), new(Change), new(Change)];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(0, both);
    }

    [Fact]
    public void A_change_shuts_uploads_out_until_the_last_change_is_done()
    {
        var gate = new UploadGate();
        gate.EnterChange();
        gate.EnterChange();
        Assert.False(gate.TryEnter());
        gate.LeaveChange();
        Assert.False(gate.TryEnter());
        gate.LeaveChange();
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
    }
}

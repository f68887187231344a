using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Waits for what the server answers an fsync with.</summary>
internal sealed class SyncWaiter : ICommitWaiter
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TaskCompletionSource<Errno> _outcome = new();

    /// <summary>As fsync(2) or fdatasync(2).</summary>
    public static Errno Sync(Volume volume, InodeNumber number, bool isDataOnly)
    {
        var waiter = new SyncWaiter();
        Errno error = volume.Sync(number, isDataOnly, waiter);
        return error == Errno.Ok ? waiter.Wait() : error;
    }

    public void Committed(Errno outcome) => _outcome.SetResult(outcome);

    private Errno Wait()
    {
        Assert.True(_outcome.Task.Wait(Patience), "nobody answered an fsync");
        return _outcome.Task.Result;
    }
}

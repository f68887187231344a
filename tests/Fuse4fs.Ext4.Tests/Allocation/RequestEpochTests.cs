using Fuse4fs.Ext4.Allocation;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

public sealed class RequestEpochTests
{
    [Fact]
    public void A_mark_passes_when_all_who_were_inside_have_left()
    {
        var epoch = new RequestEpoch();
        RequestEpoch.Slot first = epoch.Register();
        RequestEpoch.Slot second = epoch.Register();
        first.Enter();
        long mark = epoch.Mark();
        second.Enter();
        Assert.False(epoch.HasPassed(mark));
        first.Leave();
        Assert.True(epoch.HasPassed(mark), "whoever entered after the mark does not matter");
        first.Enter();
        Assert.True(epoch.HasPassed(mark));
        Assert.False(epoch.HasPassed(epoch.Mark()));
    }

    [Fact]
    public void Whoever_held_up_a_mark_says_so_when_leaving()
    {
        var epoch = new RequestEpoch();
        RequestEpoch.Slot slot = epoch.Register();
        int raised = 0;
        epoch.Passed = () => raised++;
        slot.Enter();
        slot.Leave();
        Assert.Equal(0, raised);
        slot.Enter();
        epoch.Mark();
        slot.Leave();
        Assert.Equal(1, raised);
        slot.Enter();
        slot.Leave();
        Assert.Equal(1, raised);
    }

    [Fact]
    public void A_worker_that_ended_holds_up_nobody()
    {
        var epoch = new RequestEpoch();
        RequestEpoch.Slot slot = epoch.Register();
        slot.Enter();
        long mark = epoch.Mark();
        epoch.Unregister(slot);
        Assert.True(epoch.HasPassed(mark));
    }

    /// <summary>What a request looks up stays as it is until it leaves, whatever happens beside it.</summary>
    [Fact]
    public void Nothing_is_reused_while_a_request_may_still_read_it()
    {
        var epoch = new RequestEpoch();
        // A "block" that is valid while its number is even; freeing it makes it odd once the mark has passed.
        long[] block = [0];
        bool isStopping = false;
        string? failure = null;
        Thread[] readers =
        [
            .. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
            {
                RequestEpoch.Slot slot = epoch.Register();
                while (!Volatile.Read(ref isStopping))
                {
                    slot.Enter();
                    long[] seen = Volatile.Read(ref block);
                    for (int i = 0; i < 50; i++)
                    {
                        if (Volatile.Read(ref seen[0]) != 0)
                        {
                            failure = "a block was reused while it was being read";
                        }
                    }
                    slot.Leave();
                }
            })),
        ];
        Array.ForEach(readers, reader => reader.Start());
        for (int i = 0; i < 5000; i++)
        {
            long[] old = block;
            Volatile.Write(ref block, [0]);
            long mark = epoch.Mark();
            while (!epoch.HasPassed(mark))
            {
                Thread.Yield();
            }
            Volatile.Write(ref old[0], 1);
        }
        Volatile.Write(ref isStopping, true);
        Array.ForEach(readers, reader => reader.Join());
        Assert.Null(failure);
    }
}

using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Inodes;

public sealed class InodeLockTests
{
    /// <summary>Writers see nobody beside them, readers no writer; nobody waits for ever.</summary>
    [Fact]
    public void Readers_and_writers_keep_each_other_out()
    {
        var gate = new InodeLock();
        long value = 0;
        long other = 0;
        long violations = 0;
        void Work(int seed)
        {
            var random = new Random(seed);
            for (int i = 0; i < 30_000; i++)
            {
                if (random.Next(4) == 0)
                {
                    using (gate.Exclusive())
                    {
                        value++;
                        if (random.Next(64) == 0)
                        {
                            Thread.Yield();
                        }
                        other++;
                    }
                }
                else
                {
                    using (gate.Shared())
                    {
                        violations += Volatile.Read(ref value) == Volatile.Read(ref other) ? 0 : 1;
                    }
                }
            }
        }
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(seed => new Thread(() => Work(seed)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(0, violations);
        Assert.Equal(value, other);
        Assert.True(gate.TryExclusive(out InodeLock.ExclusiveScope last));
        last.Dispose();
    }

    [Fact]
    public void Shared_holds_are_shared_and_keep_writers_waiting()
    {
        var gate = new InodeLock();
        InodeLock.SharedScope first = gate.Shared();
        InodeLock.SharedScope second = gate.Shared();
        Assert.False(gate.TryExclusive(out _));
        bool isWritten = false;
        var writer = new Thread(() =>
        {
            using (gate.Exclusive())
            {
                Volatile.Write(ref isWritten, true);
            }
        });
        writer.Start();
        first.Dispose();
        Assert.False(Volatile.Read(ref isWritten));
        second.Dispose();
        writer.Join();
        Assert.True(isWritten);
    }

    [Fact]
    public void Taking_it_allocates_nothing()
    {
        var gate = new InodeLock();
        Assert.Equal(0, Garbage.Of(() =>
        {
            using (gate.Shared())
            {
            }
            using (gate.Exclusive())
            {
            }
        }, 1000));
    }
}

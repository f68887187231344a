using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>A failing device ends in documented errors: nobody hangs, nothing that was reported durable is lost, and
/// the next mount and e2fsck learn of it.</summary>
public class FaultyDeviceTests
{
    private const string Small = "-t ext4 -b 1024 -N 16 -J size=1";
    private const int Rounds = 12;

    /// <summary>What fails.</summary>
    public enum Operation
    {
        Write,
        Flush,
    }

    [Theory]
    [InlineData(Operation.Write, false)]
    [InlineData(Operation.Write, true)]
    [InlineData(Operation.Flush, false)]
    [InlineData(Operation.Flush, true)]
    public void The_nth_failure_is_reported_and_loses_nothing(Operation operation, bool isForEver)
    {
        using var image = new TestImage(Small, 4L << 20);
        byte[] initial = File.ReadAllBytes(image.Path);
        IReadOnlyList<LogRun> runs = JournalMap.RunsOf(image.Path);
        int total = int.MaxValue;
        for (int n = 1; n <= total; n++)
        {
            int failing = n;
            var memory = new MemoryDevice((byte[])initial.Clone());
            using var device = new FaultyDevice(memory);
            Func<int, bool> rule = number => isForEver ? number >= failing : number == failing;
            device.FailsWrite = operation == Operation.Write ? rule : static _ => false;
            device.FailsFlush = operation == Operation.Flush ? rule : static _ => false;
            bool isClean = Work(device, memory, runs, out JournaledVolume? volume, out uint durable);
            if (isClean)
            {
                Assert.True(n > 4, "the workload writes and flushes more often than that");
                break;
            }
            device.Heal();
            CheckAfterwards(memory, runs, volume, durable, isForEver);
        }
    }

    [Fact]
    public void A_failed_read_in_a_handle_aborts_the_journal()
    {
        using var image = new TestImage(Small, 4L << 20);
        var memory = new MemoryDevice(File.ReadAllBytes(image.Path));
        using var device = new FaultyDevice(memory);
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        int next = device.Reads + 1;
        device.FailsRead = number => number == next;
        using (Handle handle = volume.Begin(1))
        {
            Assert.Throws<DeviceException>(() => volume.Put(handle, 0, 1));
            handle.Complete();  // whoever swallows the exception cannot commit what he did not read
        }
        Assert.Equal(Errno.ReadOnly, volume.Journal.TryStart(1, out _));
        Assert.Equal(Errno.InputOutput, volume.Journal.Close());
        Assert.Equal(2, JournalMap.ReadSuperblock(memory).State & 2);
    }

    [Fact]
    public void An_exception_that_leaves_an_operation_with_its_handle_open_aborts_the_journal()
    {
        using var image = new TestImage(Small, 4L << 20);
        var memory = new MemoryDevice(File.ReadAllBytes(image.Path));
        IReadOnlyList<LogRun> runs = JournalMap.RunsOf(image.Path);
        JournaledVolume volume = JournaledVolume.Open(memory, runs);
        void DoHalfAnOperation()
        {
            using Handle handle = volume.Begin(2);
            volume.Put(handle, 0, 1);
            throw new InvalidOperationException("half an operation");
        }
        Assert.Throws<InvalidOperationException>((Action)DoHalfAnOperation);
        Assert.Equal(Errno.ReadOnly, volume.Journal.TryStart(1, out _));
        volume.Journal.Close();
        JournaledVolume again = JournaledVolume.Open(memory, runs);
        Assert.Equal(0u, again.Get(0));
        Assert.Equal(Errno.Ok, again.Journal.Close());
    }

    /// <summary>Changes and commits until something fails.</summary>
    private static bool Work(
        IBlockDevice device, MemoryDevice memory, IReadOnlyList<LogRun> runs, out JournaledVolume? volume,
        out uint durable)
    {
        durable = 0;
        volume = null;
        try
        {
            volume = JournaledVolume.Open(device, runs, new JournalOptions
            {
                TransactionBytes = 64 << 10,
                BacklogBytes = 48 << 10,
                CheckpointAge = TimeSpan.FromMilliseconds(1),
            });
        }
        catch (DeviceException)
        {
            return false;
        }
        for (uint value = 1; value <= Rounds; value++)
        {
            if (volume.Journal.TryStart(20, out Handle handle) != Errno.Ok)
            {
                break;
            }
            uint id = handle.TransactionId;
            using (handle)
            {
                for (int i = 0; i < 20; i++)
                {
                    volume.Put(handle, i, value, isNew: value == 1);
                }
                handle.Complete();
            }
            if (volume.Journal.CommitAndWait(id) != Errno.Ok)
            {
                break;
            }
            durable = value;
        }
        Errno closed = volume.Journal.Close();
        Assert.Equal(closed == Errno.Ok, durable == Rounds && volume.Journal.AbortReason == Errno.Ok);
        GC.KeepAlive(memory);
        return closed == Errno.Ok;
    }

    private static void CheckAfterwards(
        MemoryDevice memory, IReadOnlyList<LogRun> runs, JournaledVolume? volume, uint durable, bool isForEver)
    {
        if (volume is not null)
        {
            Assert.Equal(Errno.ReadOnly, volume.Journal.TryStart(1, out _));
            Assert.Equal(Errno.InputOutput, volume.Journal.AbortReason);
        }
        JournaledVolume again = JournaledVolume.Open(memory, runs);
        uint found = again.Get(0);
        for (int i = 1; i < 20; i++)
        {
            Assert.Equal(found, again.Get(i));
        }
        Assert.InRange(found, durable, (uint)Rounds);
        Assert.Equal(Errno.Ok, again.Journal.Close());
        if (volume is not null && !isForEver)
        {
            Assert.Equal(2, JournalMap.ReadSuperblock(memory).State & 2);
        }
    }
}

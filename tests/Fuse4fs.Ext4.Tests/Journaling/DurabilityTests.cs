using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Who waits for what, and how many flushes that takes.</summary>
public class DurabilityTests
{
    private const string Small = "-t ext4 -b 1024 -N 16 -J size=1";

    [Fact]
    public void Concurrent_waiters_share_commits()
    {
        using var image = new TestImage(Small, 4L << 20);
        using var device = new FaultyDevice(MemoryDevice.Load(image.Path));
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        int before = device.Flushes;
        var waiters = new List<Waiter>();
        const int operations = 200;
        for (int i = 0; i < operations; i++)
        {
            uint id;
            using (Handle handle = volume.Begin(1))
            {
                volume.Put(handle, i % 50, (uint)i);
                id = handle.TransactionId;
                handle.Complete();
            }
            var waiter = new Waiter();
            waiters.Add(waiter);
            volume.Journal.WhenCommitted(id, waiter);
        }
        Assert.All(waiters, static waiter => Assert.Equal(Errno.Ok, waiter.Wait()));
        Assert.InRange(device.Flushes - before, 2, operations);
        Assert.Equal(Errno.Ok, volume.Journal.Close());
    }

    [Fact]
    public void Data_written_after_a_flush_began_needs_a_flush_of_its_own_and_waiters_share_it()
    {
        using var image = new TestImage(Small, 4L << 20);
        using var device = new FaultyDevice(MemoryDevice.Load(image.Path));
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        uint id;
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, 0, 1);
            id = handle.TransactionId;
            handle.Complete();
        }
        long early = volume.Journal.DataTicket;
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(id));
        int flushes = device.Flushes;
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, early));
        Assert.Equal(flushes, device.Flushes);              // the commit's own flush covered it

        long late = volume.Journal.DataTicket;
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, late));
        Assert.Equal(flushes + 1, device.Flushes);
        Assert.Equal(Errno.Ok, volume.Journal.MakeDurable(id, late));
        Assert.Equal(flushes + 1, device.Flushes);
        Assert.Equal(Errno.Ok, volume.Journal.Close());
    }

    [Fact]
    public void Waiting_without_changes_returns()
    {
        using var image = new TestImage(Small, 4L << 20);
        JournaledVolume volume = JournaledVolume.Open(MemoryDevice.Load(image.Path), JournalMap.RunsOf(image.Path));
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(volume.Journal.RunningTransaction));
        Assert.Equal(Errno.Ok, volume.Journal.CommitAll());
        Assert.Equal(Errno.Ok, volume.Journal.CommitAll());
        var waiter = new Waiter();
        volume.Journal.WhenAllDurable(waiter);
        Assert.Equal(Errno.Ok, waiter.Wait());
        Assert.Equal(Errno.Ok, volume.Journal.Close());
    }

    [Fact]
    public void A_recorded_error_reaches_the_superblock_without_stopping_anything()
    {
        using var image = new TestImage(Small, 4L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        var record = new VolumeErrorRecord(
            Errno.Corrupted, new InodeNumber(12), new FsBlock(77), "ExtentChecksum", 4711,
            DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
        volume.Journal.RecordErrors(ErrorBatch.Add(null, in record));
        Assert.Equal(Errno.Ok, volume.Journal.CommitAll());
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, 0, 4);
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        device.Save(image.Path);
        string header = Tool.Check("dumpe2fs", "-h", image.Path);
        Assert.Contains("clean with errors", header, StringComparison.Ordinal);
        Assert.Contains("FS Error count:           1", header, StringComparison.Ordinal);
        Assert.Contains("First error inode #:      12", header, StringComparison.Ordinal);
        Assert.Contains("Last error block #:       77", header, StringComparison.Ordinal);
        Assert.Contains("Last error function:      ExtentChecksum", header, StringComparison.Ordinal);
        Assert.Contains("Last error line #:        4711", header, StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_without_journal_is_marked_unclean_while_in_use()
    {
        using var image = new TestImage("-t ext2 -b 1024 -N 16", 4L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        JournaledVolume volume = JournaledVolume.Open(device, null);
        Assert.Equal(0, JournalMap.ReadSuperblock(device).State & 1);
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, 0, 9);
            handle.Complete();
        }
        Assert.Equal(Errno.Ok, volume.Journal.CommitAndWait(volume.Journal.RunningTransaction));
        Assert.Equal(9u, volume.ValueIn(device.Bytes, 0));
        Assert.Equal(Errno.Ok, volume.Journal.Close());
        Assert.Equal(1, JournalMap.ReadSuperblock(device).State & 1);
        device.Save(image.Path);
        image.AssertClean();
    }

    [Fact]
    public void Memory_stays_bounded_under_a_flood_of_changes()
    {
        using var image = new TestImage("-t ext4 -b 4096 -N 16 -J size=64", 160L << 20);
        MemoryDevice device = MemoryDevice.Load(image.Path);
        var options = new JournalOptions { TransactionBytes = 1 << 20, BacklogBytes = 1 << 20 };
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path), options);
        ulong blocks = volume.Context.Geometry.BlockCount;
        for (ulong i = 0; i < 12_000; i++)
        {
            using Handle handle = volume.Begin(1);
            using BlockLease lease = handle.Create(new FsBlock(blocks - 1 - (i % 12_000)));
            lease.Bytes[0] = 1;
            handle.Complete();
        }
        // The cache's own 4 MiB, the running and the committing transaction, and twice the backlog at its worst.
        Assert.InRange(volume.Context.Cache.AllocatedBytes, 1, 10 << 20);
        Assert.Equal(Errno.Ok, volume.Journal.Close());
    }

    /// <summary>What failed was no device: nobody may wait for ever all the same.</summary>
    [Fact]
    public void Waiters_learn_of_an_abort_that_cannot_even_be_recorded()
    {
        using var image = new TestImage(Small, 4L << 20);
        using var device = new FaultyDevice(MemoryDevice.Load(image.Path));
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        uint id;
        using var waiter = new Waiter();
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, 0, 1);
            id = handle.TransactionId;
            handle.Complete();
        }
        device.FailsWrite = static _ => throw new InvalidOperationException("no device would say this");
        volume.Journal.WhenCommitted(id, waiter);
        Assert.Equal(Errno.InputOutput, waiter.Wait());
        device.Heal();
        Assert.Equal(Errno.InputOutput, volume.Journal.Close());
    }

    [Fact]
    public void Waiters_learn_that_the_journal_was_discontinued()
    {
        using var image = new TestImage(Small, 4L << 20);
        using var device = new FaultyDevice(MemoryDevice.Load(image.Path));
        JournaledVolume volume = JournaledVolume.Open(device, JournalMap.RunsOf(image.Path));
        using var waiter = new Waiter();
        using (Handle handle = volume.Begin(1))
        {
            volume.Put(handle, 0, 1);
            volume.Journal.WhenCommitted(handle.TransactionId, waiter);     // which has to wait for the handle
            volume.Journal.Discontinue();
            handle.Complete();
        }
        Assert.Equal(Errno.InputOutput, waiter.Wait());
        Assert.Equal(Errno.InputOutput, volume.Journal.Close());
    }

    private sealed class Waiter : ICommitWaiter, IDisposable
    {
        private readonly ManualResetEventSlim _done = new();
        private Errno _outcome;

        public void Committed(Errno outcome)
        {
            _outcome = outcome;
            _done.Set();
        }

        public Errno Wait()
        {
            Assert.True(_done.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken), "told nothing");
            return _outcome;
        }

        public void Dispose() => _done.Dispose();
    }
}

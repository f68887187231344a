using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>FITRIM: what is discarded is free, and all of it.</summary>
public sealed class TrimTests
{
    private const int BlockSize = 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void All_free_blocks_are_discarded_once_and_no_others()
    {
        using var image = new TestImage("-t ext4 -b 1024 -G 4", 64L << 20);
        var device = new WatchedDevice(WritableImage.OpenFile(image));
        using var volume = new WritableImage(device);
        HandMadeFile[] files =
            [.. Enumerable.Range(0, 30).Select(i => HandMadeFile.TryCreate(volume, InodeNumber.Root, (uint)i + 1)!)];
        files[3].Delete(volume);
        volume.Settle();
        Assert.Equal(Errno.Ok, volume.Volume.Trim(0, ulong.MaxValue, 0, out ulong trimmed, Cancellation));
        Assert.Equal(volume.Blocks.FreeBlocks * BlockSize, trimmed);
        Assert.Equal((long)trimmed, device.Discarded.Sum(range => range.Length));
        var kept = files.Where((_, index) => index != 3).SelectMany(file => file.Runs).ToList();
        foreach ((long offset, long length) in device.Discarded)
        {
            ulong start = (ulong)offset / BlockSize;
            ulong end = (ulong)(offset + length) / BlockSize;
            Assert.False(volume.Blocks.IsForbidden(new FsBlock(start), end - start));
            Assert.DoesNotContain(kept, run => run.Start.Value < end && run.End.Value > start);
        }
        Assert.Equal(Errno.Ok, volume.Volume.Trim(0, ulong.MaxValue, 0, out trimmed, Cancellation));
        Assert.Equal(0ul, trimmed);
        files[5].Delete(volume);
        volume.Settle();
        Assert.Equal(Errno.Ok, volume.Volume.Trim(0, ulong.MaxValue, 0, out trimmed, Cancellation));
        Assert.True(trimmed > 0, "a group that got something back is looked at again");
    }

    [Fact]
    public void Short_runs_and_foreign_ranges_are_left_out()
    {
        using var image = new TestImage("-t ext4 -b 1024", 32L << 20);
        var device = new WatchedDevice(WritableImage.OpenFile(image));
        using var volume = new WritableImage(device);
        Assert.Equal(Errno.Ok, volume.Volume.Trim(8 << 20, 4 << 20, 64 << 10, out ulong trimmed, Cancellation));
        Assert.InRange(trimmed, 1ul, 4ul << 20);
        Assert.All(device.Discarded, range =>
        {
            Assert.InRange(range.Offset, 8 << 20, 12 << 20);
            Assert.InRange(range.Offset + range.Length, 8 << 20, 12 << 20);
            Assert.True(range.Length >= 64 << 10);
        });
        Assert.Equal(Errno.Invalid, volume.Volume.Trim(64 << 20, 1 << 20, 0, out _, Cancellation));
        Assert.Equal(Errno.Invalid, volume.Volume.Trim(0, 100, 0, out _, Cancellation));
        Assert.Equal(Errno.Invalid, volume.Volume.Trim(0, ulong.MaxValue, 1 << 30, out _, Cancellation));
    }

    [Fact]
    public void A_full_disk_stays_exact_while_it_is_trimmed()
    {
        using var image = new TestImage("-t ext4 -b 1024 -m 0", 24L << 20);
        using var volume = new WritableImage(new WatchedDevice(WritableImage.OpenFile(image)));
        bool isStopping = false;
        var trimmer = new Thread(() =>
        {
            while (!Volatile.Read(ref isStopping))
            {
                volume.Volume.Trim(0, ulong.MaxValue, 0, out _, Cancellation);
            }
        });
        trimmer.Start();
        var goal = new AllocationGoal { Owner = InodeNumber.Root, IsFileData = true };
        for (int round = 0; round < 30; round++)
        {
            ulong available = volume.Blocks.AvailableBlocks;
            var runs = new List<BlockRun>();
            while (volume.Blocks.Reserve(in goal, 3000, SpaceClaim.Ordinary, out BlockRun run) == Errno.Ok)
            {
                runs.Add(run);
            }
            ulong taken = runs.Aggregate(0ul, (sum, run) => sum + run.LengthBlocks);
            runs.ForEach(volume.Blocks.Cancel);
            Assert.Equal(available, taken);
        }
        Volatile.Write(ref isStopping, true);
        trimmer.Join();
    }

    /// <summary>Mount option discard.</summary>
    [Fact]
    public void Freed_blocks_are_discarded_after_their_commit_where_that_is_asked_for()
    {
        using var image = new TestImage("-t ext4 -b 1024", 32L << 20);
        var device = new WatchedDevice(WritableImage.OpenFile(image));
        using var volume = new WritableImage(device);
        volume.Space.Freed.DiscardsFreed = true;
        HandMadeFile file = HandMadeFile.TryCreate(volume, InodeNumber.Root, 40)!;
        volume.Settle();
        file.Delete(volume);
        Assert.Empty(device.Discarded);
        volume.Settle();
        Assert.Equal(40L * BlockSize, device.Discarded.Sum(range => range.Length));
        Assert.Equal((long)file.Runs[0].Start.Value * BlockSize, device.Discarded.Min(range => range.Offset));
    }
}

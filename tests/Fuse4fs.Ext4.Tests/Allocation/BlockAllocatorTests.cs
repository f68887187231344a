using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Reserve, commit, cancel and free on images of many features, against a naive model and e2fsck.</summary>
public sealed class BlockAllocatorTests
{
    private static readonly AllocationGoal s_anywhere = new() { Owner = InodeNumber.Root, IsFileData = true };

    public static TheoryData<string, long> Images => new()
    {
        { "-t ext4 -b 4096", 256L << 20 },
        { "-t ext4 -b 1024", 48L << 20 },
        { "-t ext4 -b 2048 -O ^64bit", 96L << 20 },
        { "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg", 64L << 20 },
        { "-t ext4 -b 1024 -O meta_bg,^resize_inode", 64L << 20 },
        { "-t ext4 -b 1024 -O ^flex_bg", 64L << 20 },
        { "-t ext4 -b 1024 -G 4 -g 1024", 32L << 20 },
        { "-t ext4 -b 1024 -O sparse_super2,^resize_inode", 64L << 20 },
        { "-t ext4 -b 4096 -E stride=16,stripe_width=64", 300L << 20 },
        { "-t ext4 -b 1024 -E packed_meta_blocks=1", 64L << 20 },
        { "-t ext2 -b 1024 -O extent", 40L << 20 },
        { "-t ext3 -b 4096 -O extent", 200L << 20 },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Threads_reserve_commit_cancel_and_free_what_nobody_else_has(string options, long sizeBytes)
    {
        using var image = new TestImage(options, sizeBytes);
        ulong freeBefore;
        using (var volume = new WritableImage(image))
        {
            freeBefore = volume.Blocks.FreeBlocks;
            Assert.Equal(Dumpe2fs.FreeBlocks(image.Path), freeBefore);
            var storm = new AllocationStorm(volume, Environment.TickCount);
            storm.Run(threads: 4, steps: 400);
            storm.AssertBitmapsMatch();
            storm.FreeAll();
            volume.Settle();
            Assert.Equal(freeBefore, volume.Blocks.FreeBlocks);
        }
        image.AssertClean();
        Assert.Equal(freeBefore, Dumpe2fs.FreeBlocks(image.Path));
    }

    [Fact]
    public void The_last_block_can_be_had_and_not_one_more()
    {
        using var image = new TestImage("-t ext4 -b 1024 -m 10", 24L << 20);
        using (var volume = new WritableImage(image))
        {
            ulong available = volume.Blocks.AvailableBlocks;
            ulong free = volume.Blocks.FreeBlocks;
            List<BlockRun> ordinary = TakeAll(volume, SpaceClaim.Ordinary);
            Assert.Equal(available, Sum(ordinary));
            Assert.Equal(0ul, volume.Blocks.AvailableBlocks);
            List<BlockRun> root = TakeAll(volume, SpaceClaim.Reserve);
            List<BlockRun> metadata = TakeAll(volume, SpaceClaim.Metadata);
            Assert.NotEmpty(root);
            Assert.Equal(free, Sum(ordinary) + Sum(root) + Sum(metadata));
            Assert.Equal(0ul, volume.Blocks.FreeBlocks);
            foreach (BlockRun run in ordinary.Concat(root).Concat(metadata))
            {
                volume.Blocks.Cancel(run);
            }
            Assert.Equal(free, volume.Blocks.FreeBlocks);
            Assert.Equal(available, volume.Blocks.AvailableBlocks);
        }
        image.AssertClean();
    }

    [Fact]
    public void Concurrent_reservations_share_the_last_blocks_exactly()
    {
        using var image = new TestImage("-t ext4 -b 1024 -m 7", 24L << 20);
        using var volume = new WritableImage(image);
        ulong available = volume.Blocks.AvailableBlocks;
        ulong taken = 0;
        Thread[] threads =
        [
            .. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                Preallocation windows = volume.Blocks.CreatePreallocation();
                uint at = 0;
                while (volume.Blocks.Reserve(s_anywhere with
                {
                    Windows = windows, FileCluster = at, FileClusters = at + 7,
                }, 7, SpaceClaim.Ordinary, out BlockRun run) == Errno.Ok)
                {
                    at += run.LengthBlocks;
                    Interlocked.Add(ref taken, run.LengthBlocks);
                }
                volume.Blocks.ReleaseWindows(windows);
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(available, taken);
    }

    [Fact]
    public void Freed_blocks_come_back_after_the_commit_and_the_requests_in_flight()
    {
        using var image = new TestImage("-t ext4 -b 4096", 64L << 20);
        using var volume = new WritableImage(image);
        Assert.Equal(Errno.Ok, volume.Blocks.Reserve(s_anywhere, 100, SpaceClaim.Ordinary, out BlockRun run));
        volume.Change(4, handle => volume.Blocks.Commit(handle, run));
        volume.Settle();
        RequestEpoch.Slot reader = volume.Space.Freed.Epoch.Register();
        reader.Enter();
        volume.Change(4, handle => volume.Blocks.Free(handle, run, isMetadata: false));
        Assert.False(CanHave(volume, run), "not durable yet");
        volume.Journal.CommitAll();
        Assert.False(volume.Space.Freed.TryReclaim(volume.Journal, null, TimeSpan.FromMilliseconds(200)));
        Assert.False(CanHave(volume, run), "somebody may still read it");
        reader.Leave();
        Assert.True(volume.Space.Freed.TryReclaim(volume.Journal, null, TimeSpan.FromMinutes(1))
            || CanHave(volume, run));
        Assert.True(CanHave(volume, run));
    }

    [Fact]
    public void Nobody_gets_or_frees_the_file_systems_own_blocks()
    {
        using var image = new TestImage("-t ext4 -b 1024 -G 4", 64L << 20);
        var events = new CollectedEvents();
        using var volume = new WritableImage(image, events);
        for (uint group = 0; group < volume.Geometry.GroupCount; group++)
        {
            FsBlock table = volume.Context.Descriptors.InodeTable(new GroupNumber(group));
            Assert.True(volume.Blocks.IsForbidden(table, 1));
            Assert.True(volume.Blocks.IsForbidden(new FsBlock(table.Value - 1), 3));
            Assert.Throws<Ext4CorruptException>(() => volume.Blocks.PrepareFree(new BlockRun(table, 1)));
        }
        ulong free = volume.Blocks.FreeBlocks;
        FsBlock own = volume.Context.Descriptors.InodeTable(new GroupNumber(0));
        volume.Change(4, handle => volume.Blocks.Free(handle, new BlockRun(own, 2), isMetadata: false));
        Assert.Single(events.Damages);
        Assert.Equal(free, volume.Blocks.FreeBlocks);
    }

    [Fact]
    public void Freeing_twice_is_reported_and_changes_nothing()
    {
        using var image = new TestImage("-t ext4 -b 1024", 32L << 20);
        var events = new CollectedEvents();
        using (var volume = new WritableImage(image, events))
        {
            volume.Blocks.Reserve(s_anywhere, 20, SpaceClaim.Ordinary, out BlockRun run);
            volume.Change(4, handle => volume.Blocks.Commit(handle, run));
            volume.Change(4, handle => volume.Blocks.Free(handle, run, isMetadata: true));
            ulong free = volume.Blocks.FreeBlocks;
            Assert.Throws<Ext4CorruptException>(() => volume.Blocks.PrepareFree(run));
            volume.Change(4, handle => volume.Blocks.Free(handle, run, isMetadata: false));
            Assert.Single(events.Damages);
            Assert.Equal(free, volume.Blocks.FreeBlocks);
        }
        image.AssertClean();
    }

    [Fact]
    public void A_group_with_a_damaged_bitmap_is_left_alone_and_the_others_serve()
    {
        using var image = new TestImage("-t ext4 -b 1024", 64L << 20);
        string info = Tool.Check("dumpe2fs", image.Path);
        using (FileStream file = File.OpenWrite(image.Path))
        {
            // Behind the file system's own blocks, so that only the checksum tells.
            ulong bitmap = Dumpe2fs.BlockBitmapOf(info, group: 0);
            file.Seek((long)(bitmap * 1024) + 1000, SeekOrigin.Begin);
            file.WriteByte(0x10);
        }
        var events = new CollectedEvents();
        using var volume = new WritableImage(image, events);
        ulong free = volume.Blocks.FreeBlocks;
        List<BlockRun> all = TakeAll(volume, SpaceClaim.Metadata);
        Assert.Single(events.Damages);
        Assert.DoesNotContain(all, run => volume.Geometry.GroupOf(run.Start).Value == 0);
        Assert.Equal(free - Sum(all), Dumpe2fs.FreeBlocksOf(info, group: 0));
        Assert.Equal(0ul, volume.Blocks.FreeBlocks);
        all.ForEach(volume.Blocks.Cancel);
    }

    [Fact]
    public void A_goal_is_taken_when_it_is_free_and_approached_when_not()
    {
        using var image = new TestImage("-t ext4 -b 4096 -E stripe_width=48", 512L << 20);
        using var volume = new WritableImage(image);
        var near = new FsBlock(70000);
        volume.Blocks.Reserve(s_anywhere with { Near = near }, 10, SpaceClaim.Ordinary, out BlockRun run);
        Assert.Equal(new BlockRun(near, 10), run);
        volume.Blocks.Reserve(s_anywhere with { Near = near }, 5, SpaceClaim.Ordinary, out BlockRun next);
        Assert.Equal(new BlockRun(run.End, 5), next);
        volume.Blocks.Reserve(s_anywhere with { Near = near }, 96, SpaceClaim.Ordinary, out BlockRun striped);
        Assert.Equal(0ul, striped.Start.Value % 48);
        Assert.Equal(volume.Geometry.GroupOf(near), volume.Geometry.GroupOf(striped.Start));
        Array.ForEach([run, next, striped], volume.Blocks.Cancel);
    }

    private static bool CanHave(WritableImage volume, BlockRun run)
    {
        volume.Blocks.Reserve(s_anywhere with { Near = run.Start }, 1, SpaceClaim.Ordinary, out BlockRun found);
        volume.Blocks.Cancel(found);
        return found.Start == run.Start;
    }

    private static List<BlockRun> TakeAll(WritableImage volume, SpaceClaim claim)
    {
        var all = new List<BlockRun>();
        while (volume.Blocks.Reserve(s_anywhere, 1000, claim, out BlockRun run) == Errno.Ok)
        {
            all.Add(run);
        }
        return all;
    }

    private static ulong Sum(IEnumerable<BlockRun> runs) => runs.Aggregate(0ul, (sum, run) => sum + run.LengthBlocks);
}

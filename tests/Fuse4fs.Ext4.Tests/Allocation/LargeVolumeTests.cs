using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Volumes with very many groups, and free counts in the superblock that are wrong.</summary>
public sealed class LargeVolumeTests
{
    /// <summary>75 blocks of descriptors: too many to be looked at before the volume is used.</summary>
    private const string ManyGroups = "-t ext4 -b 1024 -g 256 -G 1 -O ^resize_inode,^has_journal -N 9600";
    private const long ManyGroupsBytes = 300L << 20;

    [Fact]
    public void A_volume_of_15_TiB_is_opened_and_written_to_without_reading_its_descriptors()
    {
        const long Size = 15L << 40;
        using var image = new TestImage(
            "-t ext4 -O ^resize_inode -J size=16 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard", Size);
        var device = new WatchedDevice(WritableImage.OpenFile(image));
        using (var volume = new WritableImage(device))
        {
            Assert.True(volume.Geometry.GroupCount > 100_000);
            long opening = device.BytesRead;
            Assert.InRange(opening, 1, 1 << 20);
            HandMadeFile file = HandMadeFile.TryCreate(volume, InodeNumber.Root, 4)!;
            Assert.InRange(device.BytesRead - opening, 1, 1 << 20);
            ulong far = volume.Geometry.BlockCount - 100_000;
            var goal = new AllocationGoal { Owner = file.Number, Near = new FsBlock(far) };
            volume.Blocks.Reserve(in goal, 10, SpaceClaim.Ordinary, out BlockRun run);
            Assert.Equal(far, run.Start.Value);
            Assert.InRange(device.BytesRead - opening, 1, 2 << 20);
            volume.Blocks.Cancel(run);
            file.Delete(volume);
        }
        Assert.Equal(Dumpe2fs.FreeBlocks(image.Path), FreeByDescriptors(image));
    }

    /// <summary>As after a crash, when the counts are those of the last unmount.</summary>
    [Fact]
    public void Wrong_counts_of_an_unclean_volume_are_corrected_before_it_is_used()
    {
        using var image = new TestImage(ManyGroups, ManyGroupsBytes);
        ulong free = Dumpe2fs.FreeBlocks(image.Path);
        ulong freeInodes = Dumpe2fs.FreeInodes(image.Path);
        Debugfs.Write(image.Path, "ssv free_blocks_count 5", "ssv free_inodes_count 3", "ssv state 0");
        using var volume = new WritableImage(image);
        Assert.Equal(free, volume.Blocks.FreeBlocks);
        Assert.Equal(freeInodes, volume.Inodes.FreeInodes);
    }

    [Fact]
    public void Wrong_counts_of_a_clean_volume_are_corrected_while_it_is_used()
    {
        using var image = new TestImage(ManyGroups, ManyGroupsBytes);
        ulong free = Dumpe2fs.FreeBlocks(image.Path);
        ulong freeInodes = Dumpe2fs.FreeInodes(image.Path);
        Debugfs.Write(image.Path, "ssv free_blocks_count 5000", "ssv free_inodes_count 300");
        using (var volume = new WritableImage(image))
        {
            var files = new List<HandMadeFile>();
            while (files.Count < 50)
            {
                files.Add(HandMadeFile.TryCreate(volume, new InodeNumber((uint)(files.Count * 100) + 20), 5)!);
            }
            files.ForEach(file => file.Delete(volume));
            volume.Settle();
            Assert.True(SpinWait.SpinUntil(
                () => volume.Blocks.FreeBlocks == free && volume.Inodes.FreeInodes == freeInodes,
                TimeSpan.FromMinutes(1)), $"{volume.Blocks.FreeBlocks} free, {free} expected");
        }
        image.AssertClean();
    }

    /// <summary>A descriptor far away claims blocks that a bitmap near by says are free.</summary>
    [Fact]
    public void Blocks_of_the_file_systems_own_are_known_wherever_they_lie()
    {
        using var image = new TestImage(
            "-t ext4 -b 1024 -g 1024 -G 1 -O ^metadata_csum,^uninit_bg,^has_journal", 128L << 20);
        Debugfs.Write(image.Path, "set_bg 100 inode_bitmap 2000");
        var events = new CollectedEvents();
        using var volume = new WritableImage(image, events);
        Assert.True(volume.Blocks.IsForbidden(new FsBlock(2000), 1));
        var goal = new AllocationGoal { Owner = InodeNumber.Root, Near = new FsBlock(1990) };
        volume.Blocks.Reserve(in goal, 100, SpaceClaim.Ordinary, out BlockRun run);
        Assert.NotEqual(1u, volume.Geometry.GroupOf(run.Start).Value);
        Assert.NotEmpty(events.Damages);
        volume.Blocks.Cancel(run);
    }

    [Fact]
    public void Maps_of_many_groups_do_not_add_up()
    {
        using var image = new TestImage(ManyGroups, ManyGroupsBytes);
        using var volume = new WritableImage(image);
        var groups = new GroupTable(volume.Context);
        var budget = new MapBudget(groups, capacityBytes: 20 * 32);
        var zones = new SystemZones(groups);
        var maps = new BlockMaps(volume.Context, groups, zones, budget);
        for (uint group = 0; group < groups.Geometry.GroupCount; group++)
        {
            Assert.True(maps.TryLoad(new GroupNumber(group), out _));
            if (group == 7)
            {
                groups.State(new GroupNumber(7)).Held = 1;
            }
            budget.Trim();
            Assert.InRange(budget.UsedBytes, 0, 22 * 32);
        }
        Assert.NotNull(groups.State(new GroupNumber(7)).Blocks);
        Assert.Null(groups.State(new GroupNumber(8)).Blocks);
    }

    private static ulong FreeByDescriptors(TestImage image)
    {
        using var volume = new WritableImage(image);
        ulong free = 0;
        for (uint group = 0; group < volume.Geometry.GroupCount; group++)
        {
            (FsBlock block, int offset) = volume.Geometry.DescriptorOf(new GroupNumber(group));
            using BlockLease lease = volume.Context.Cache.Read(block);
            free += volume.Context.Descriptors.View(lease, offset).FreeClusters;
        }
        return free;
    }
}

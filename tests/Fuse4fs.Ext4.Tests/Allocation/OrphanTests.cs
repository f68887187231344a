using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Unlinked and half-truncated files over a crash, with the superblock's list and with the orphan file;
/// judged by e2fsck and by free counts.</summary>
public sealed class OrphanTests
{
    public static TheoryData<string> Images => new()
    {
        "-t ext4 -b 4096 -O orphan_file",
        "-t ext4 -b 4096 -O ^orphan_file",
        "-t ext4 -b 1024 -O ^orphan_file,^metadata_csum",
        "-t ext4 -b 1024 -O orphan_file -E orphan_file_size=4",
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Orphans_of_a_crash_are_freed_at_the_next_mount(string options)
    {
        using var image = new TestImage(options);
        using TestImage crashed = image.Copy();
        (ulong Blocks, ulong Inodes) free = FreeOf(image);
        using (var volume = new WritableImage(image))
        {
            List<HandMadeFile> files = MakeFiles(volume, 40);
            files.ForEach(file => Unlink(volume, file.Number));
            // Some are freed while running, from anywhere on the list.
            foreach (HandMadeFile file in files.Where((_, index) => index % 3 == 1))
            {
                volume.Volume.RemoveIfUnused(file.Number);
            }
            volume.Settle();
            CopyContents(image, crashed);
            using TestImage repaired = crashed.Copy();
            Assert.Contains("Clearing orphaned inode", E2fsck.RecoverAfterCrash(repaired.Path));
        }
        image.AssertClean();
        Assert.Equal(free, FreeOf(image));
        var events = new CollectedEvents();
        using (var volume = new WritableImage(crashed, events))
        {
            Assert.Equal(0, volume.Volume.Orphans!.Count);
            Assert.Empty(events.Damages);
            Assert.Single(events.Warnings);
        }
        crashed.AssertClean();
        Assert.Equal(free, FreeOf(crashed));
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void An_interrupted_truncation_is_completed(string options)
    {
        using var image = new TestImage(options);
        using TestImage crashed = image.Copy();
        List<HandMadeFile> files;
        using (var volume = new WritableImage(image))
        {
            files = MakeFiles(volume, 10);
            foreach (HandMadeFile file in files)
            {
                Change(volume, file.Number, inode => inode.SizeBytes /= 2);
            }
            volume.Settle();
            CopyContents(image, crashed);
        }
        HandMadeFile.Link(crashed, []);
        var events = new CollectedEvents();
        using (var volume = new WritableImage(crashed, events))
        {
            Assert.Empty(events.Damages);
            Assert.Equal(0, volume.Volume.Orphans!.Count);
        }
        HandMadeFile.Link(crashed, files);
        crashed.AssertClean();
    }

    [Fact]
    public void An_unlinked_inode_lives_as_long_as_somebody_refers_to_it()
    {
        using var image = new TestImage("-t ext4");
        List<HandMadeFile> others;
        using (var volume = new WritableImage(image))
        {
            HandMadeFile file = MakeFiles(volume, 1)[0];
            volume.Volume.Retain(file.Number);
            volume.Volume.Retain(file.Number);
            Unlink(volume, file.Number);
            volume.Volume.RemoveIfUnused(file.Number);
            Assert.Equal(1, volume.Volume.Orphans!.Count);
            volume.Volume.Release(file.Number);
            Assert.Equal(Errno.Ok, volume.Volume.GetAttributes(file.Number, out InodeAttributes attributes));
            Assert.Equal(0u, attributes.LinkCount);
            volume.Volume.Release(file.Number);
            Assert.Equal(Errno.Stale, volume.Volume.GetAttributes(file.Number, out _));
            Assert.Equal(0, volume.Volume.Orphans.Count);
            others = MakeFiles(volume, 5);
            Assert.DoesNotContain(others, other => other.Number == file.Number);
        }
        HandMadeFile.Link(image, others);
        image.AssertClean();
    }

    [Fact]
    public void Threads_unlink_and_release_without_losing_an_inode()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O ^orphan_file", 96L << 20);
        (ulong Blocks, ulong Inodes) free = FreeOf(image);
        using (var volume = new WritableImage(image))
        {
            List<HandMadeFile> files = MakeFiles(volume, 400);
            files.ForEach(file => volume.Volume.Retain(file.Number));
            Thread[] threads =
            [
                new Thread(() => files.ForEach(file =>
                {
                    Unlink(volume, file.Number);
                    volume.Volume.RemoveIfUnused(file.Number);
                })),
                new Thread(() => files.ForEach(file => volume.Volume.Release(file.Number))),
            ];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Assert.Equal(0, volume.Volume.Orphans!.Count);
        }
        image.AssertClean();
        Assert.Equal(free, FreeOf(image));
    }

    [Theory]
    [InlineData("set_super_value last_orphan 13;set_inode_field <13> dtime 14;set_inode_field <14> dtime 13")]
    [InlineData("set_super_value last_orphan 13;set_inode_field <13> dtime 13")]
    [InlineData("set_super_value last_orphan 2")]
    [InlineData("set_super_value last_orphan 8")]
    [InlineData("set_super_value last_orphan 4294967295")]
    [InlineData("set_super_value last_orphan 13;set_inode_field <13> dtime 4000")]
    [InlineData("set_super_value last_orphan 13;set_inode_field <13> block[0] 0")]
    [InlineData("set_super_value last_orphan 13;set_inode_field <13> mode 060644;set_inode_field <13> links_count 1")]
    public void A_damaged_list_ends_where_it_is_damaged(string requests)
    {
        using var image = new TestImage("-t ext4 -O ^orphan_file,^metadata_csum");
        using (var volume = new WritableImage(image))
        {
            foreach (HandMadeFile file in MakeFiles(volume, 4))
            {
                Unlink(volume, file.Number, isOnList: false);
            }
        }
        Debugfs.Write(image.Path, requests.Split(';'));
        var events = new CollectedEvents();
        using (var volume = new WritableImage(image, events))
        {
            Assert.NotEmpty(events.Damages);
        }
        Assert.Equal(1, Tool.Run("e2fsck", "-fy", image.Path).ExitCode & ~2);
        image.AssertClean();
    }

    private static List<HandMadeFile> MakeFiles(WritableImage volume, int count)
    {
        var random = new Random(count);
        return
        [
            .. Enumerable.Range(0, count).Select(_ =>
                HandMadeFile.TryCreate(volume, InodeNumber.Root, (uint)random.Next(2, 70))!),
        ];
    }

    private static void Unlink(WritableImage volume, InodeNumber number, bool isOnList = true) =>
        Change(volume, number, inode => inode.LinkCount = 0, isOnList);

    private static void Change(WritableImage volume, InodeNumber number, Action<Inode> change, bool isOnList = true)
    {
        Assert.Equal(Errno.Ok, volume.Volume.Inodes.Acquire(number, out InodeReference reference));
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Inode inode = reference.Inode;
            volume.Change(4, handle =>
            {
                change(inode);
                if (isOnList)
                {
                    volume.Volume.Orphans!.Add(handle, inode);
                }
                volume.Volume.Inodes.Store(handle, inode);
            });
        }
    }

    private static (ulong Blocks, ulong Inodes) FreeOf(TestImage image) =>
        (Dumpe2fs.FreeBlocks(image.Path), Dumpe2fs.FreeInodes(image.Path));

    private static void CopyContents(TestImage from, TestImage to) =>
        Tool.Check("cp", "--sparse=always", from.Path, to.Path);
}

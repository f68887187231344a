using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Files made of allocated inodes and blocks, judged by e2fsck, on images of many features.</summary>
public sealed class InodeAllocatorTests
{
    public static TheoryData<string, long> Images => new()
    {
        { "-t ext4 -b 4096", 256L << 20 },
        { "-t ext4 -b 4096 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard", 300L << 20 },
        { "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg -E lazy_itable_init=1,nodiscard", 64L << 20 },
        { "-t ext4 -b 1024 -O meta_bg,^resize_inode -E lazy_itable_init=1,nodiscard", 64L << 20 },
        { "-t ext4 -b 1024 -O ^flex_bg -I 128", 64L << 20 },
        { "-t ext4 -b 1024 -G 4 -g 1024 -I 512", 32L << 20 },
        { "-t ext4 -b 2048 -O sparse_super2,^resize_inode,^64bit", 96L << 20 },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Files_made_and_deleted_by_threads_pass_e2fsck(string options, long sizeBytes)
    {
        using var image = new TestImage(options, sizeBytes);
        FillWithRubbish(image);
        var kept = new List<HandMadeFile>();
        using (var volume = new WritableImage(image))
        {
            Thread[] threads = [.. Enumerable.Range(0, 4).Select(i => new Thread(() => Work(volume, i, kept)))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Assert.Equal(kept.Count, kept.Select(file => file.Number).Distinct().Count());
            Assert.True(kept.Count >= 80);
        }
        HandMadeFile.Link(image, kept);
        image.AssertClean();
    }

    [Fact]
    public void Every_inode_can_be_had_once_and_again_after_the_commit_that_freed_it()
    {
        using var image = new TestImage("-t ext4 -b 1024 -N 256 -E lazy_itable_init=1,nodiscard", 24L << 20);
        using (var volume = new WritableImage(image))
        {
            uint free = volume.Inodes.FreeInodes;
            Assert.Equal(Dumpe2fs.FreeInodes(image.Path), free);
            List<HandMadeFile> all = TakeAll(volume);
            Assert.Equal(free, (uint)all.Count);
            Assert.Equal(0u, volume.Inodes.FreeInodes);
            all.ForEach(file => file.Delete(volume));
            Assert.Equal(free, volume.Inodes.FreeInodes);
            Assert.Equal(Errno.NoSpace, volume.Inodes.Reserve(InodeNumber.Root, false, false, out _));
            volume.Settle();
            Assert.Equal(free, (uint)TakeAll(volume).Count);
            volume.Settle();
        }
        Assert.Equal(0ul, Dumpe2fs.FreeInodes(image.Path));
    }

    [Fact]
    public void Files_lie_beside_their_directory_and_top_directories_apart()
    {
        using var image = new TestImage("-t ext4 -b 1024 -G 4", 128L << 20);
        using var volume = new WritableImage(image);
        var groups = new HashSet<uint>();
        var reservations = new List<InodeReservation>();
        for (int i = 0; i < 40; i++)
        {
            volume.Inodes.Reserve(InodeNumber.Root, isDirectory: true, isTop: true, out InodeReservation top);
            groups.Add(volume.Geometry.GroupOf(top.Number).Value / 4);
            reservations.Add(top);
            volume.Inodes.Reserve(top.Number, isDirectory: false, isTop: false, out InodeReservation file);
            Assert.Equal(volume.Geometry.GroupOf(top.Number), volume.Geometry.GroupOf(file.Number));
            reservations.Add(file);
            volume.Inodes.Reserve(top.Number, isDirectory: true, isTop: false, out InodeReservation child);
            uint place = volume.Geometry.GroupOf(child.Number).Value / 4;
            Assert.Equal(volume.Geometry.GroupOf(top.Number).Value / 4, place);
            reservations.Add(child);
        }
        Assert.True(groups.Count > 1, "all directories went to one place");
        reservations.ForEach(volume.Inodes.Cancel);
    }

    [Fact]
    public void Reserved_and_foreign_numbers_are_not_freed()
    {
        using var image = new TestImage("-t ext4 -b 1024", 32L << 20);
        var events = new CollectedEvents();
        using (var volume = new WritableImage(image, events))
        {
            uint beyond = volume.Geometry.InodeCount + 1;
            foreach (uint number in new uint[] { 0, 1, 2, 8, 10, beyond, uint.MaxValue })
            {
                Assert.Throws<Ext4CorruptException>(() => volume.Inodes.PrepareFree(new InodeNumber(number)));
                volume.Change(4, handle => volume.Inodes.Free(handle, new InodeNumber(number), isDirectory: true));
            }
            Assert.Throws<Ext4CorruptException>(() => volume.Inodes.PrepareFree(new InodeNumber(13)));
            volume.Change(4, handle => volume.Inodes.Free(handle, new InodeNumber(13), isDirectory: false));
            Assert.Equal(8, events.Damages.Count);
        }
        image.AssertClean();
    }

    /// <summary>Unused inode table blocks must not show what they held before.</summary>
    private static void FillWithRubbish(TestImage image)
    {
        string info = Tool.Check("dumpe2fs", image.Path);
        Rubbish.Fill(image, Dumpe2fs.UnzeroedTables(info), (int)Dumpe2fs.Number(info, "Block size"));
    }

    private static void Work(WritableImage volume, int thread, List<HandMadeFile> kept)
    {
        var random = new Random(Environment.TickCount + thread);
        var parents = new uint[] { 2, 11, volume.Geometry.InodesPerGroup + 5, volume.Geometry.InodeCount - 3 };
        for (int i = 0; i < 60; i++)
        {
            var parent = new InodeNumber(parents[random.Next(parents.Length)]);
            HandMadeFile? file = HandMadeFile.TryCreate(volume, parent, (uint)random.Next(0, 90));
            if (file is null)
            {
                continue;
            }
            if (i % 3 == 0)
            {
                lock (kept)
                {
                    kept.Add(file);
                }
            }
            else
            {
                file.Delete(volume);
            }
            if (i % 16 == 0)
            {
                volume.Journal.CommitAll();
            }
        }
    }

    private static List<HandMadeFile> TakeAll(WritableImage volume)
    {
        var all = new List<HandMadeFile>();
        while (HandMadeFile.TryCreate(volume, InodeNumber.Root, 0) is HandMadeFile file)
        {
            all.Add(file);
        }
        return all;
    }
}

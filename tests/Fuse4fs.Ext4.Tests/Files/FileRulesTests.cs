using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Mapping;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Limits, times and permissions of file changes.</summary>
public sealed class FileRulesTests
{
    private static readonly WriteOptions s_plain = new() { IsCached = false };
    private static readonly WriteOptions s_cached = new() { IsCached = true };

    [Fact]
    public void The_first_file_beyond_two_gigabytes_is_declared()
    {
        using var image = new WritableVolume("-t ext4 -b 1024 -O ^large_file");
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, (3L << 30) + 5, [1, 2, 3], in s_plain, out int written));
        Assert.Equal(3, written);
        string path = image.CloseAndCheck();
        Assert.Contains("large_file", Tool.Check("dumpe2fs", "-h", path));
        Assert.Contains($"Size: {(3L << 30) + 8}", Debugfs.Read(path, "stat /file"));
    }

    /// <summary>The numbers are what the kernel refuses on volumes of these options.</summary>
    [Theory]
    [InlineData("-t ext2 -b 1024", (12L + 256 + (256 * 256) + (256 * 256 * 256)) << 10)]
    [InlineData("-t ext3 -b 1024", (12L + 256 + (256 * 256) + (256 * 256 * 256)) << 10)]
    [InlineData("-t ext3 -b 4096 -O large_file", 2196873666560)]
    [InlineData("-t ext4 -b 4096 -O ^extents,^64bit,huge_file", (12L + 1024 + (1024 * 1024) + (1024L * 1024 * 1024)) << 12)]
    public void No_file_grows_beyond_what_a_block_map_reaches(string options, long maximum)
    {
        using var image = new WritableVolume(options);
        Assert.Equal(Errno.FileTooBig, image.Volume.Write(image.File, maximum, [1], in s_plain, out _));
        Assert.Equal(Errno.FileTooBig, image.Volume.Truncate(image.File, maximum + 1, in s_plain));
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, maximum - 2, [1, 2, 3], in s_plain, out int written));
        Assert.Equal(2, written);
        Assert.Equal(Errno.Ok, image.Volume.Seek(image.File, 0, SeekKind.Data, out long data));
        Assert.Equal(maximum - image.Volume.Context.Geometry.BlockSizeBytes, data);
        Assert.Equal(Errno.Ok, image.Volume.Truncate(image.File, 0, in s_plain));
        Assert.Equal(0ul, image.Attributes().Sectors);
        image.CloseAndCheck();
    }

    /// <summary>The first structure that revision 0 does not know raises the revision.</summary>
    [Fact]
    public void A_big_file_on_a_volume_of_revision_0_makes_it_dynamic()
    {
        using var image = new WritableVolume("-r 0 -O none");
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, 3L << 30, [1], in s_plain, out _));
        string path = image.CloseAndCheck();
        string report = Tool.Check("dumpe2fs", "-h", path);
        Assert.Contains("1 (dynamic)", report);
        Assert.Contains("large_file", report);
    }

    [Fact]
    public void No_file_grows_beyond_what_block_numbers_reach()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        long maximum = (long)uint.MaxValue << 10;
        Assert.Equal(Errno.FileTooBig, image.Volume.Write(image.File, maximum, [1], in s_plain, out _));
        Assert.Equal(Errno.FileTooBig, image.Volume.Truncate(image.File, maximum + 1, in s_plain));
        Assert.Equal(Errno.FileTooBig,
            image.Volume.Allocate(image.File, FallocateMode.Allocate, maximum - 10, 11, in s_plain));
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, maximum - 2, [1, 2, 3], in s_plain, out int written));
        Assert.Equal(2, written);
        byte[] back = new byte[4];
        Assert.Equal(Errno.Ok, image.Volume.Read(image.File, maximum - 4, back, out int count));
        Assert.Equal(4, count);
        Assert.Equal([0, 0, 1, 2], back);
        Assert.Equal(Errno.Ok, image.Volume.Seek(image.File, 0, SeekKind.Data, out long data));
        Assert.Equal(maximum - 1024, data);
        image.CloseAndCheck();
    }

    [Fact]
    public void Times_follow_changes_unless_a_cache_keeps_them()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        InodeAttributes before = image.Attributes();
        image.Volume.Write(image.File, 0, new byte[5000], in s_cached, out _);
        Assert.Equal(before.ModificationTime, image.Attributes().ModificationTime);
        Action[] changes =
        [
            () => image.Volume.Write(image.File, 100, [1], in s_plain, out _),
            () => image.Volume.Truncate(image.File, 3000, in s_plain),
            () => image.Volume.Truncate(image.File, 9000, in s_plain),
            () => image.Volume.Allocate(image.File, FallocateMode.Allocate, 0, 20_000, in s_plain),
            () => image.Volume.Allocate(
                image.File, FallocateMode.PunchHole | FallocateMode.KeepSize, 1024, 1024, in s_plain),
        ];
        foreach (Action change in changes)
        {
            Timestamp earlier = image.Attributes().ModificationTime;
            Thread.Sleep(10);
            change();
            InodeAttributes after = image.Attributes();
            Assert.True(after.ModificationTime > earlier);
            Assert.Equal(after.ModificationTime, after.ChangeTime);
        }
        image.CloseAndCheck();
    }

    [Fact]
    public void Privileges_go_when_asked_and_the_group_bit_only_with_execution()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        image.Change(inode => inode.Mode = (ushort)((int)FileKind.Regular | 0xDED));     // 06755
        image.Volume.Write(image.File, 0, [1], in s_plain, out _);
        Assert.Equal(0xDED, image.Attributes().Mode & 0xFFF);
        image.Volume.Write(image.File, 0, [2], new WriteOptions { KillsPrivileges = true }, out _);
        Assert.Equal(0x1ED, image.Attributes().Mode & 0xFFF);
        image.Change(inode => inode.Mode = (ushort)((int)FileKind.Regular | 0xDE4));     // 06744
        image.Volume.Truncate(image.File, 0, new WriteOptions { KillsPrivileges = true });
        Assert.Equal(0x5E4, image.Attributes().Mode & 0xFFF);
        image.CloseAndCheck();
    }

    [Fact]
    public void Immutable_files_take_only_what_a_cache_accepted_before()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        image.Change(inode => inode.Flags |= InodeFlags.Immutable);
        Assert.Equal(Errno.NotPermitted, image.Volume.Write(image.File, 0, [1], in s_plain, out _));
        Assert.Equal(Errno.NotPermitted, image.Volume.Truncate(image.File, 0, in s_plain));
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, 0, [1], in s_cached, out _));
        image.Change(inode => inode.Flags = (inode.Flags & ~InodeFlags.Immutable) | InodeFlags.AppendOnly);
        Assert.Equal(Errno.NotPermitted, image.Volume.Allocate(
            image.File, FallocateMode.PunchHole | FallocateMode.KeepSize, 0, 1, in s_plain));
        image.CloseAndCheck();
    }

    [Fact]
    public void What_is_no_file_is_refused()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        Assert.Equal(Errno.IsDirectory, image.Volume.Write(InodeNumber.Root, 0, [1], in s_plain, out _));
        Assert.Equal(Errno.Invalid, image.Volume.Write(image.File, -1, [1], in s_plain, out _));
        Assert.Equal(Errno.Invalid, image.Volume.Allocate(image.File, FallocateMode.Allocate, 0, 0, in s_plain));
        Assert.Equal(Errno.NotSupported,
            image.Volume.Allocate(image.File, FallocateMode.PunchHole, 0, 1, in s_plain));
        Assert.Equal(Errno.NotSupported,
            image.Volume.Allocate(image.File, FallocateMode.UnshareRange, 0, 1, in s_plain));
    }

    [Fact]
    public void Copying_moves_bytes_between_files_and_within_one()
    {
        using var image = new WritableVolume("-t ext4 -b 1024");
        byte[] data = new byte[600_000];
        new Random(1).NextBytes(data);
        image.Volume.Write(image.File, 0, data, in s_plain, out _);
        Assert.Equal(Errno.Ok,
            image.Volume.CopyRange(image.File, 1000, image.File, 700_001, 590_000, in s_plain, out long copied));
        Assert.Equal(590_000, copied);
        Assert.Equal(Errno.Invalid,
            image.Volume.CopyRange(image.File, 0, image.File, 100, 200, in s_plain, out _));
        byte[] back = new byte[590_000];
        image.Volume.Read(image.File, 700_001, back, out int count);
        Assert.Equal(590_000, count);
        Assert.True(data.AsSpan(1000, 590_000).SequenceEqual(back));
        image.CloseAndCheck();
    }
}

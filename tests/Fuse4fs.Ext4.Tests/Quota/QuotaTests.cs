using System.Buffers.Binary;
using System.Text.RegularExpressions;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Quota;
using Fuse4fs.Ext4.Tests.Journaling;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Quota;

/// <summary>Quotas: e2fsck counts for itself and compares, debugfs lists; limits are written into the image from
/// outside.</summary>
public sealed partial class QuotaTests
{
    private const string AllKinds = "-O quota,project -E quotatype=usrquota:grpquota:prjquota";
    private static readonly WriteOptions s_byUser = new() { IsCached = true };
    private static readonly WriteOptions s_byRoot = new() { IsCached = true, MayUseReserve = true };

    [Theory]
    [InlineData("-t ext4 -b 1024 " + AllKinds, 1)]
    [InlineData("-t ext4 -b 4096 " + AllKinds + " -O quota,project,bigalloc", 2)]
    [InlineData("-t ext3 -b 1024 -O quota", 3)]
    [InlineData("-t ext4 -b 1024 " + AllKinds + " -O quota,project,ea_inode", 4)]
    [InlineData("-t ext4 -b 4096 " + AllKinds + " -O quota,project,ea_inode,bigalloc,inline_data", 5)]
    public void What_is_counted_is_what_e2fsck_counts(string options, int seed)
    {
        using var image = new TestImage(options);
        var random = new Random(seed);
        using (Volume volume = Open(image.Path))
        {
            var files = new List<InodeNumber>();
            for (int step = 0; step < 750; step++)
            {
                Step(volume, files, step, random);
            }
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        image.AssertClean();
        using (Volume volume = Open(image.Path))
        {
            // Nothing is known of any inode's attributes now.
            var files = new List<InodeNumber>();
            for (int step = 750; step < 1500; step++)
            {
                Step(volume, files, step, random);
            }
            for (int step = 0; step < 750; step++)
            {
                volume.Unlink(InodeNumber.Root, Name($"n{step}"));
            }
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        image.AssertClean();
    }

    /// <summary>Who has a value pays for it, and for one inode more, also when it is shared.</summary>
    [Fact]
    public void Limits_hold_for_values_in_inodes()
    {
        const uint id = 1000;
        using var image = new TestImage("-t ext4 -b 1024 -O quota,ea_inode");
        byte[] value = new byte[10_000];
        using (Volume volume = Open(image.Path))
        {
            InodeNumber foreign = Make(volume, "foreign", 1);
            Assert.Equal(Errno.Ok, volume.SetXattr(foreign, "user.value"u8, value, default, new Caller(1, 1)));
            Make(volume, "first", id);
        }
        SetLimits(image.Path, QuotaKind.User, id, spaceKibibytes: 25, inodes: 3);
        using (Volume volume = Open(image.Path, QuotaLimitKinds.User))
        {
            InodeNumber file = Find(volume, "first");
            var owner = new Caller(id, id);
            Assert.Equal(Errno.Ok, volume.SetXattr(file, "user.value"u8, value, default, owner));
            Assert.Equal(Errno.Ok, volume.SetXattr(file, "user.other"u8, value, default, owner));
            Assert.Equal(Errno.QuotaExceeded, volume.SetXattr(file, "user.third"u8, value, default, owner));
            Assert.Equal(Errno.Ok, volume.RemoveXattr(file, "user.other"u8));
            value[0] = 1;
            Assert.Equal(Errno.QuotaExceeded,
                volume.SetXattr(file, "user.third"u8, new byte[20_000], default, owner));
            Assert.Equal(Errno.Ok, volume.SetXattr(file, "user.third"u8, value, default, owner));
            Make(volume, "second", 2);
            Assert.Equal(Errno.QuotaExceeded, volume.Create(InodeNumber.Root, "third"u8, 0x1A4, in owner, out _));
        }
        image.AssertClean();
    }

    /// <summary>Ids far apart need nodes of the tree of their own: the quota file grows.</summary>
    [Fact]
    public void Thousands_of_owners_find_room_in_the_quota_file()
    {
        const int owners = 2000;
        using var image = new TestImage("-t ext4 -b 1024 -N 4096 -O quota", 32L << 20);
        using (Volume volume = Open(image.Path))
        {
            for (uint owner = 0; owner < owners; owner++)
            {
                var caller = new Caller(owner * 2_000_003, owner);
                Assert.Equal(Errno.Ok, volume.Create(InodeNumber.Root, Name($"f{owner}"), 0x1A4, in caller, out _));
            }
        }
        image.AssertClean();
        string listed = Debugfs.Read(image.Path, "list_quota user");
        Assert.Equal(owners, Regex.Count(listed, @"^ *\d+ +\d+ +0 +0 +\d+ +0 +0\s*$", RegexOptions.Multiline));
    }

    [Theory]
    [InlineData(QuotaKind.User)]
    [InlineData(QuotaKind.Group)]
    [InlineData(QuotaKind.Project)]
    public void Limits_hold_for_their_kind_and_not_for_root(QuotaKind kind)
    {
        const uint id = 1000;
        using var image = new TestImage($"-t ext4 -b 1024 {AllKinds}");
        using (Volume volume = Open(image.Path))
        {
            InodeNumber first = Make(volume, "first", id);
            volume.SetProject(first, id);
        }
        SetLimits(image.Path, kind, id, spaceKibibytes: 100, inodes: 3);
        using (Volume volume = Open(image.Path))
        {
            // Usage is kept, limits are not enforced unless asked for.
            Assert.Equal(Errno.Ok, volume.Write(Find(volume, "first"), 0, new byte[200_000], in s_byUser, out _));
            Assert.Equal(Errno.Ok, volume.Truncate(Find(volume, "first"), 0, in s_byUser));
        }
        var limits = (QuotaLimitKinds)(1 << (int)kind);
        using (Volume volume = Open(image.Path, limits))
        {
            InodeNumber file = Find(volume, "first");
            Assert.Equal(Errno.QuotaExceeded, volume.Write(file, 0, new byte[200_000], in s_byUser, out int written));
            Assert.Equal(100 << 10, written);
            Assert.Equal(Errno.Ok, volume.Write(file, written, new byte[5000], in s_byRoot, out _));
            Assert.Equal(Errno.QuotaExceeded, volume.Allocate(file, 0, 1_000_000, 5000, in s_byUser));
            Assert.Equal(Errno.Ok, volume.Truncate(file, 1000, in s_byUser));
            CheckInodeLimit(volume, kind, id);
        }
        image.AssertClean();
    }

    [Fact]
    public void Above_the_soft_limit_there_is_time_and_then_none()
    {
        const uint id = 7;
        var clock = new ManualClock();
        using var image = new TestImage("-t ext4 -b 1024 -O quota");
        using (Volume volume = Open(image.Path))
        {
            Make(volume, "file", id);
        }
        SetLimits(image.Path, QuotaKind.User, id, spaceKibibytes: 1000, inodes: 0, softKibibytes: 10);
        using (Volume volume = Open(image.Path, QuotaLimitKinds.User, clock))
        {
            InodeNumber file = Find(volume, "file");
            Assert.Equal(Errno.Ok, volume.Write(file, 0, new byte[20_000], in s_byUser, out _));
            clock.Advance(TimeSpan.FromDays(3));
            Assert.Equal(Errno.Ok, volume.Write(file, 20_480, new byte[1024], in s_byUser, out _));
            clock.Advance(TimeSpan.FromDays(5));
            Assert.Equal(Errno.QuotaExceeded, volume.Write(file, 30_720, new byte[1024], in s_byUser, out _));
            Assert.Equal(Errno.Ok, volume.Truncate(file, 1024, in s_byUser));
            Assert.Equal(Errno.Ok, volume.Write(file, 30_720, new byte[15_000], in s_byUser, out _));
        }
        image.AssertClean();
    }

    /// <summary>A quota file of two tebibytes, as far as its inode and its header go.</summary>
    [Fact]
    public void The_size_a_quota_file_claims_takes_no_memory()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O quota");
        Debugfs.Write(image.Path, $"sif <{InodeOf(image.Path, QuotaKind.User)}> size {int.MaxValue * 1024L}");
        using (FileStream stream = File.OpenWrite(image.Path))
        {
            byte[] count = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(count, int.MaxValue - 1);
            stream.Position = Locate(image.Path, QuotaKind.User, BlockCountOffset);
            stream.Write(count);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? thrown = Record.Exception(() => Open(image.Path).Dispose());
        Assert.True(thrown is null or Ext4CorruptException or VolumeRefusedException, $"{thrown}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void A_projects_directory_shows_the_projects_limits()
    {
        const uint id = 42;
        using var image = new TestImage($"-t ext4 -b 1024 {AllKinds}");
        InodeNumber directory;
        using (Volume volume = Open(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.MakeDirectory(
                InodeNumber.Root, "top"u8, 0x1FF, new Caller(0, 0), out InodeAttributes made));
            directory = made.Number;
            Assert.Equal(Errno.Ok, volume.SetProject(directory, id));
            Assert.Equal(Errno.Ok, volume.SetFlags(directory, made.Flags | InodeFlags.ProjectInherit));
        }
        SetLimits(image.Path, QuotaKind.Project, id, spaceKibibytes: 100, inodes: 10);
        using (Volume volume = Open(image.Path, QuotaLimitKinds.Project))
        {
            Assert.Equal(Errno.Ok, volume.Create(directory, "f"u8, 0x1A4, new Caller(5, 5), out InodeAttributes file));
            Assert.Equal(id, file.ProjectId);
            Assert.Equal(Errno.Ok, volume.Write(file.Number, 0, new byte[30 << 10], in s_byUser, out _));
            VolumeStatistics seen = volume.Statistics(directory);
            Assert.Equal((100ul, 69ul, 69ul), (seen.Blocks, seen.FreeBlocks, seen.AvailableBlocks));
            Assert.Equal((10u, 8u), (seen.Inodes, seen.FreeInodes));
            Assert.NotEqual(100ul, volume.Statistics(InodeNumber.Root).Blocks);
        }
        image.AssertClean();
    }

    /// <summary>Any damage of a quota file refuses writing; none crashes or hangs.</summary>
    [Fact]
    public void A_damaged_quota_file_is_refused_or_read_as_it_is()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O quota", 16L << 20);
        byte[] whole = File.ReadAllBytes(image.Path);
        byte[] file = DumpQuotaFile(image.Path, QuotaKind.User);
        var random = new Random(11);
        int refused = 0;
        for (int round = 0; round < 150; round++)
        {
            byte[] copy = (byte[])whole.Clone();
            int place = random.Next(3) == 0 ? random.Next(40) : random.Next(file.Length / 4) * 4;
            long at = Locate(image.Path, QuotaKind.User, place);
            copy[at] = (byte)random.Next(256);
            copy[at + random.Next(4)] ^= (byte)(1 << random.Next(8));
            try
            {
                using Volume volume = Volume.Open(new MemoryDevice(copy), new VolumeOptions());
                Make(volume, "file", (uint)random.Next());
            }
            catch (VolumeRefusedException)
            {
                refused++;
            }
            catch (Ext4CorruptException)
            {
                refused++;
            }
        }
        Assert.True(refused > 20, $"{refused} refused");
    }

    private static void CheckInodeLimit(Volume volume, QuotaKind kind, uint id)
    {
        if (kind == QuotaKind.Project)
        {
            InodeNumber other = Make(volume, "other", 5);
            Assert.Equal(Errno.Ok, volume.SetProject(other, id));
            Assert.Equal(Errno.Ok, volume.SetProject(Make(volume, "third", 5), id));
            InodeNumber fourth = Make(volume, "fourth", 5);
            Assert.Equal(Errno.QuotaExceeded, volume.SetProject(fourth, id));
            Assert.Equal(Errno.Ok, volume.SetProject(fourth, id, mayExceedQuota: true));
            return;
        }
        Make(volume, "second", id);
        Make(volume, "third", id);
        var caller = new Caller(id, id);
        Assert.Equal(Errno.QuotaExceeded, volume.Create(InodeNumber.Root, "fourth"u8, 0x1A4, in caller, out _));
        InodeNumber foreign = Make(volume, "foreign", 5);
        var change = new AttributeChange { UserId = id, GroupId = id };
        Assert.Equal(Errno.QuotaExceeded, volume.SetAttributes(foreign, in change, out _));
        change = change with { MayUseReserve = true };
        Assert.Equal(Errno.Ok, volume.SetAttributes(foreign, in change, out _));
    }

    /// <summary>Where there are inodes for values: new ones, shared ones and none. As to symlinks, e2fsck 1.47 takes a short
    /// one for one with blocks when its i_blocks counts a value in an inode.</summary>
    private static void ChangeLargeValue(Volume volume, InodeNumber file, Random random)
    {
        Assert.Equal(Errno.Ok, volume.GetAttributes(file, out InodeAttributes attributes));
        if (!volume.Context.Geometry.Has(IncompatFeatures.XattrInodes) || attributes.Kind == FileKind.Symlink)
        {
            return;
        }
        byte[] name = Name($"user.large{random.Next(3)}");
        byte[] value = new byte[5000 + (random.Next(3) * 4000)];
        value.AsSpan().Fill((byte)random.Next(3));
        Errno error = random.Next(3) == 0
            ? volume.RemoveXattr(file, name)
            : volume.SetXattr(file, name, value, default, new Caller(0, 0));
        Assert.True(error is Errno.Ok or Errno.NoData, $"{error}");
    }

    private static void Step(Volume volume, List<InodeNumber> files, int step, Random random)
    {
        InodeNumber file = files.Count > 0 ? files[random.Next(files.Count)] : InodeNumber.None;
        uint owner = (uint)random.Next(40) * 100_000;
        switch (random.Next(8))
        {
            case < 2:
                var caller = new Caller(owner, owner / 3);
                Errno error = random.Next(5) == 0
                    ? volume.Symlink(InodeNumber.Root, Name($"n{step}"), new byte[200].Select(_ => (byte)'t').ToArray(),
                        in caller, out InodeAttributes made)
                    : volume.Create(InodeNumber.Root, Name($"n{step}"), 0x1A4, in caller, out made);
                Assert.Equal(Errno.Ok, error);
                files.Add(made.Number);
                break;
            case < 5 when files.Count > 0:
                volume.Write(file, random.Next(300_000), new byte[random.Next(1, 20_000)], in s_byRoot, out _);
                break;
            case 5 when files.Count > 0:
                volume.Truncate(file, random.Next(200_000), in s_byRoot);
                break;
            case 6 when files.Count > 0:
                var change = new AttributeChange { UserId = owner, GroupId = random.Next(2) == 0 ? owner / 7 : null };
                Assert.Equal(Errno.Ok, volume.SetAttributes(file, in change, out _));
                volume.SetProject(file, owner);
                volume.SetXattr(file, "user.attribute"u8, new byte[random.Next(400)], default, new Caller(0, 0));
                ChangeLargeValue(volume, file, random);
                break;
            default:
                int victim = random.Next(Math.Max(1, step));
                if (volume.Lookup(InodeNumber.Root, Name($"n{victim}"), out InodeNumber number) == Errno.Ok)
                {
                    Assert.Equal(Errno.Ok, volume.Unlink(InodeNumber.Root, Name($"n{victim}")));
                    files.Remove(number);
                }
                break;
        }
    }
}

using System.Text;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Allocation;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Mapping;

/// <summary>Volumes that were converted from ext3 to ext4: files with block maps beside others, and files that get an
/// extent tree; and block maps that are damaged.</summary>
public sealed class MigrationTests
{
    private static readonly WriteOptions s_options = new() { IsCached = true, MayUseReserve = true };

    [Theory]
    [InlineData("-t ext3 -b 1024", 1)]
    [InlineData("-t ext3 -b 4096 -J size=4", 2)]
    public void Files_of_a_converted_volume_keep_their_contents(string options, int seed)
    {
        using var image = new TestImage(options, 96L << 20);
        var random = new Random(seed);
        Dictionary<string, byte[]> contents = [];
        using (Volume volume = Open(image.Path))
        {
            for (int i = 0; i < 12; i++)
            {
                contents[$"f{i}"] = MakeFragments(volume, $"f{i}", i, random);
            }
            Assert.Equal(Errno.Ok, volume.Symlink(
                InodeNumber.Root, "link"u8, new string('x', 200).Select(c => (byte)c).ToArray(), new Caller(0, 0), out _));
        }
        image.AssertClean();
        Tool.Check("tune2fs", "-O", "extents", image.Path);
        using (Volume volume = Open(image.Path))
        {
            foreach (string name in contents.Keys.Append("link"))
            {
                InodeNumber number = Find(volume, name);
                Assert.Equal(Errno.Ok, volume.Migrate(number));
                Assert.Equal(Errno.Invalid, volume.Migrate(number));
                Assert.Equal(Errno.Ok, volume.GetAttributes(number, out InodeAttributes attributes));
                Assert.True(attributes.Flags.HasFlag(InodeFlags.Extents));
            }
            Assert.Equal(Errno.Ok, volume.Migrate(InodeNumber.Root));
            Assert.Equal(0, volume.Journal!.CreditOverruns);
        }
        image.AssertClean();
        using (Volume volume = VolumeOpening.ReadOnly(image.Path))
        {
            foreach ((string name, byte[] expected) in contents)
            {
                byte[] found = new byte[expected.Length];
                Assert.Equal(Errno.Ok, volume.Read(Find(volume, name), 0, found, out int count));
                Assert.Equal(expected.Length, count);
                Assert.True(expected.AsSpan().SequenceEqual(found), name);
            }
        }
    }

    [Fact]
    public void A_short_file_can_go_back()
    {
        using var image = new TestImage("-t ext4 -b 1024 -O ^64bit");
        byte[] data = new byte[7000];
        new Random(3).NextBytes(data);
        using (Volume volume = Open(image.Path))
        {
            Assert.Equal(Errno.Ok, volume.Create(
                InodeNumber.Root, "file"u8, 0x1A4, new Caller(0, 0), out InodeAttributes made));
            Assert.Equal(Errno.Ok, volume.Write(made.Number, 3000, data, in s_options, out _));
            Assert.Equal(Errno.Ok, volume.SetFlags(made.Number, made.Flags & ~InodeFlags.Extents));
            Assert.Equal(Errno.Ok, volume.Write(made.Number, 60_000, data, in s_options, out _));
            Assert.Equal(Errno.Ok, volume.SetFlags(made.Number, made.Flags));
            Assert.Equal(Errno.Ok, volume.SetFlags(made.Number, made.Flags));
            Assert.Equal(Errno.NotSupported, volume.SetFlags(made.Number, made.Flags & ~InodeFlags.Extents));
            byte[] found = new byte[7000];
            Assert.Equal(Errno.Ok, volume.Read(made.Number, 3000, found, out _));
            Assert.Equal(data, found);
            Assert.Equal(Errno.Ok, volume.Read(made.Number, 60_000, found, out _));
            Assert.Equal(data, found);
        }
        image.AssertClean();
    }

    /// <summary>Whatever numbers a map contains, changing the file ends, with an answer or as damage.</summary>
    [Theory]
    [InlineData("-t ext2 -b 1024", 4)]
    [InlineData("-t ext3 -b 1024 -J size=1", 5)]
    public void Damaged_maps_are_errors(string options, int seed)
    {
        using var image = new TestImage(options, 24L << 20);
        var random = new Random(seed);
        InodeNumber file;
        long inodeOffset;
        List<long> nodes = [];
        using (Volume volume = Open(image.Path))
        {
            MakeFragments(volume, "file", 9, random);
            file = Find(volume, "file");
            using InodeReference reference = Acquire(volume, file);
            inodeOffset = ((long)reference.Inode.TableBlock.Value << 10) + reference.Inode.TableOffsetBytes + 0x28;
            for (int i = IndirectLayout.DirectBlocks; i < IndirectLayout.RootNumbers; i++)
            {
                nodes.Add((long)Disk.At<Le32>(reference.Inode.BlockAreaBytes, i * 4) << 10);
            }
        }
        byte[] whole = File.ReadAllBytes(image.Path);
        for (int round = 0; round < 150; round++)
        {
            var device = new MemoryDevice((byte[])whole.Clone());
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                long place = random.Next(3) == 0 ? nodes[random.Next(2)] + (random.Next(256) * 4)
                    : inodeOffset + (random.Next(IndirectLayout.RootNumbers) * 4);
                uint number = random.Next(3) switch
                {
                    0 => (uint)random.Next(0, 24 << 10),
                    1 => (uint)(nodes[random.Next(2)] >> 10),
                    _ => (uint)random.NextInt64(uint.MaxValue),
                };
                Disk.At<Le32>(device.Bytes.AsSpan((int)place), 0) = number;
            }
            using Volume volume = Volume.Open(device, new VolumeOptions { Events = new CollectedEvents() });
            for (int step = 0; step < 12; step++)
            {
                Harass(volume, file, random);
            }
        }
    }

    private static void Harass(Volume volume, InodeNumber file, Random random)
    {
        try
        {
            switch (random.Next(5))
            {
                case 0:
                    volume.Write(file, random.Next(400_000), new byte[random.Next(1, 20_000)], in s_options, out _);
                    break;
                case 1:
                    volume.Truncate(file, random.Next(400_000), in s_options);
                    break;
                case 2:
                    volume.Allocate(file, FallocateMode.PunchHole | FallocateMode.KeepSize,
                        random.Next(300_000), random.Next(1, 200_000), in s_options);
                    break;
                case 3:
                    volume.Read(file, random.Next(400_000), new byte[5000], out _);
                    break;
                default:
                    if (random.Next(6) == 0)
                    {
                        volume.Unlink(InodeNumber.Root, "file"u8);
                    }
                    break;
            }
        }
        catch (Ext4CorruptException)
        {
        }
    }

    private static byte[] MakeFragments(Volume volume, string name, int index, Random random)
    {
        Assert.Equal(Errno.Ok, volume.Create(
            InodeNumber.Root, Encoding.ASCII.GetBytes(name), 0x1A4, new Caller(0, 0), out InodeAttributes made));
        byte[] contents = new byte[index * 40_000];
        for (int piece = 0; piece < index * 6; piece++)
        {
            int offset = random.Next(contents.Length);
            byte[] data = new byte[random.Next(1, Math.Min(6000, contents.Length - offset + 1))];
            random.NextBytes(data);
            Assert.Equal(Errno.Ok, volume.Write(made.Number, offset, data, in s_options, out int written));
            Assert.Equal(data.Length, written);
            data.CopyTo(contents, offset);
        }
        Assert.Equal(Errno.Ok, volume.Truncate(made.Number, contents.Length, in s_options));
        return contents;
    }

    private static InodeReference Acquire(Volume volume, InodeNumber number)
    {
        Assert.Equal(Errno.Ok, volume.Inodes.Acquire(number, out InodeReference reference));
        return reference;
    }

    private static InodeNumber Find(Volume volume, string name)
    {
        Assert.Equal(Errno.Ok, volume.Lookup(InodeNumber.Root, Encoding.ASCII.GetBytes(name), out InodeNumber number));
        return number;
    }

    private static Volume Open(string path)
    {
        Assert.Equal(Errno.Ok, ImageFile.Open(path, isReadOnly: false, 0, isExclusive: false, out ImageFile? device));
        return Volume.Open(device!, new VolumeOptions { Events = new CollectedEvents() });
    }
}

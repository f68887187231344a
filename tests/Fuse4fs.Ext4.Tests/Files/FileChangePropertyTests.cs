using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Mapping;
using Fuse4fs.Linux;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

/// <summary>Random writes, truncates and fallocates beside an array of bytes; debugfs reads the outcome, e2fsck judges
/// it.</summary>
public sealed class FileChangePropertyTests
{
    private const int MaximumBytes = 700_000;

    [Theory]
    [InlineData("-t ext4 -b 1024", 1)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum,^64bit", 2)]
    [InlineData("-t ext4 -b 4096", 3)]
    [InlineData("-t ext4 -b 4096 -O ^has_journal", 4)]
    [InlineData("-t ext4 -b 2048 -I 128", 5)]
    [InlineData("-t ext4 -b 1024 -O bigalloc -C 16384", 11)]
    [InlineData("-t ext4 -b 4096 -O bigalloc -C 8192", 12)]
    [InlineData("-t ext2 -b 1024", 8)]
    [InlineData("-t ext3 -b 4096", 9)]
    [InlineData("-t ext4 -b 1024 -O ^extents,^64bit", 10)]
    public void The_file_is_what_the_model_says(string options, int seed) => Check(options, seed, DataMode.Ordered);

    [Theory]
    [InlineData("-t ext4 -b 1024 -J size=1", 21)]
    [InlineData("-t ext4 -b 4096", 22)]
    [InlineData("-t ext4 -b 1024 -O bigalloc -C 16384", 23)]
    [InlineData("-t ext3 -b 1024", 24)]
    public void A_file_with_journaled_data_is_too(string options, int seed) => Check(options, seed, DataMode.Journal);

    private static void Check(string options, int seed, DataMode mode)
    {
        using var image = new WritableVolume(options, mode: mode);
        var model = new FileModel(image.Volume, image.File, new Random(seed));
        for (int round = 0; round < 1500; round++)
        {
            string what = model.Step();
            if (round % 50 == 49)
            {
                model.Compare($"{options}, seed {seed}, round {round}: {what}");
            }
        }
        Assert.Equal(0, image.Volume.Journal!.CreditOverruns);
        byte[] expected = model.Contents;
        string path = image.CloseAndCheck();
        using var dumps = new TemporaryDirectory();
        Debugfs.Read(path, $"dump /file {dumps.Combine("dump")}");
        Assert.Equal(expected, File.ReadAllBytes(dumps.Combine("dump")));
    }

    /// <summary>Moving extents where the tree has several levels: nearly every block is an extent of its own.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024", 6)]
    [InlineData("-t ext4 -b 1024 -O ^metadata_csum", 7)]
    public void Fragments_move_as_the_model_says(string options, int seed)
    {
        using var image = new WritableVolume(options);
        var model = new FileModel(image.Volume, image.File, new Random(seed));
        model.Fragment(1500);
        for (int round = 0; round < 60; round++)
        {
            string what = model.Move();
            model.Compare($"{options}, seed {seed}, round {round}: {what}");
        }
        using (InodeReference reference = image.Acquire())
        {
            Assert.True(new Fuse4fs.Ext4.Mapping.ExtentNode(reference.Inode.BlockAreaBytes).Depth >= 2);
        }
        Assert.Equal(0, image.Volume.Journal!.CreditOverruns);
        image.CloseAndCheck();
    }

    /// <summary>A file and what it should contain.</summary>
    private sealed class FileModel(Volume volume, Fuse4fs.Ext4.Format.InodeNumber file, Random random)
    {
        private byte[] _contents = [];

        public byte[] Contents => _contents;

        public string Step()
        {
            int offset = random.Next(MaximumBytes);
            int length = random.Next(1, random.Next(2) == 0 ? 3000 : 60_000);
            var options = new WriteOptions { IsCached = random.Next(2) == 0 };
            bool keepsSize = random.Next(2) == 0;
            int kind = random.Next(12);
            if (!volume.Context.Geometry.Has(IncompatFeatures.Extents) && kind is 6 or 7 or > 8)
            {
                return Refuse((FallocateMode)(kind switch { < 8 => 0, 9 => 0x10, 10 => 0x08, _ => 0x20 }), offset, length);
            }
            switch (kind)
            {
                case < 5:
                    return Write(offset, length, in options);
                case 5:
                    return Truncate(random.Next(4) == 0 ? 0 : offset, in options);
                case < 8:
                    Fallocate(keepsSize ? FallocateMode.KeepSize : 0, offset, length, in options);
                    Grow(keepsSize ? 0 : offset + length);
                    return $"allocate {offset}+{length} {keepsSize}";
                case 8:
                    Fallocate(FallocateMode.PunchHole | FallocateMode.KeepSize, offset, length, in options);
                    Zero(offset, length);
                    return $"punch {offset}+{length}";
                case 9:
                    Fallocate(FallocateMode.ZeroRange | (keepsSize ? FallocateMode.KeepSize : 0), offset, length,
                        in options);
                    Grow(keepsSize ? 0 : offset + length);
                    Zero(offset, length);
                    return $"zero {offset}+{length} {keepsSize}";
                case 10:
                    return Collapse(offset, length, in options);
                default:
                    return Insert(offset, length, in options);
            }
        }

        /// <summary>Writes every second block, from the end to the start.</summary>
        public void Fragment(int count)
        {
            int block = volume.Context.Geometry.BlockSizeBytes;
            byte[] data = new byte[block];
            var options = new WriteOptions { IsCached = true };
            Grow(2 * count * block);
            for (int i = count - 1; i >= 0; i--)
            {
                random.NextBytes(data);
                Assert.Equal(Errno.Ok, volume.Write(file, ((2 * i) + 1) * (long)block, data, in options, out _));
                data.CopyTo(_contents, ((2 * i) + 1) * block);
            }
        }

        public string Move()
        {
            int offset = random.Next(_contents.Length);
            int length = random.Next(1, 20_000);
            var options = new WriteOptions { IsCached = true };
            return random.Next(2) == 0 ? Collapse(offset, length, in options) : Insert(offset, length, in options);
        }

        public void Compare(string what)
        {
            Assert.Equal(Errno.Ok, volume.GetAttributes(file, out InodeAttributes attributes));
            Assert.True(_contents.Length == attributes.SizeBytes, $"{what}: size {attributes.SizeBytes}");
            byte[] found = new byte[_contents.Length];
            Assert.Equal(Errno.Ok, volume.Read(file, 0, found, out int count));
            Assert.Equal(found.Length, count);
            int different = _contents.AsSpan().CommonPrefixLength(found);
            Assert.True(different == found.Length, $"{what}: byte {different}");
        }

        /// <summary>A block map has no unwritten blocks and cannot be shifted.</summary>
        private string Refuse(FallocateMode mode, int offset, int length)
        {
            Align(ref offset, ref length);
            Assert.Equal(Errno.NotSupported, volume.Allocate(file, mode, offset, length, default));
            return $"refused {mode}";
        }

        private string Write(int offset, int length, in WriteOptions options)
        {
            byte[] data = new byte[length];
            random.NextBytes(data);
            Assert.Equal(Errno.Ok, volume.Write(file, offset, data, in options, out int written));
            Assert.Equal(length, written);
            Grow(offset + length);
            data.CopyTo(_contents, offset);
            return $"write {offset}+{length}";
        }

        private string Truncate(int size, in WriteOptions options)
        {
            Assert.Equal(Errno.Ok, volume.Truncate(file, size, in options));
            Array.Resize(ref _contents, size);
            return $"truncate {size}";
        }

        private string Collapse(int offset, int length, in WriteOptions options)
        {
            Align(ref offset, ref length);
            Errno expected = offset + length >= _contents.Length ? Errno.Invalid : Errno.Ok;
            Assert.Equal(expected, volume.Allocate(file, FallocateMode.CollapseRange, offset, length, in options));
            if (expected == Errno.Ok)
            {
                _contents = [.. _contents.AsSpan(0, offset), .. _contents.AsSpan(offset + length)];
            }
            return $"collapse {offset}+{length}";
        }

        private string Insert(int offset, int length, in WriteOptions options)
        {
            Align(ref offset, ref length);
            Errno expected = offset >= _contents.Length ? Errno.Invalid : Errno.Ok;
            Assert.Equal(expected, volume.Allocate(file, FallocateMode.InsertRange, offset, length, in options));
            if (expected == Errno.Ok)
            {
                _contents = [.. _contents.AsSpan(0, offset), .. new byte[length], .. _contents.AsSpan(offset)];
            }
            return $"insert {offset}+{length}";
        }

        private void Align(ref int offset, ref int length)
        {
            int block = volume.Context.Geometry.BlockSizeBytes << volume.Context.Geometry.ClusterShift;
            offset -= offset % block;
            length += block - (length % block);
        }

        private void Fallocate(FallocateMode mode, int offset, int length, in WriteOptions options) =>
            Assert.Equal(Errno.Ok, volume.Allocate(file, mode, offset, length, in options));

        private void Grow(int size)
        {
            if (size > _contents.Length)
            {
                Array.Resize(ref _contents, size);
            }
        }

        private void Zero(int offset, int length)
        {
            int end = Math.Min(offset + length, _contents.Length);
            if (offset < end)
            {
                _contents.AsSpan(offset, end - offset).Clear();
            }
        }
    }
}

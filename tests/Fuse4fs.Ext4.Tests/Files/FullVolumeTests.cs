using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Tests.Mapping;
using Fuse4fs.Linux;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Files;

public sealed class FullVolumeTests
{
    private static readonly WriteOptions s_ordinary = new() { IsCached = true };
    private static readonly WriteOptions s_reserve = new() { IsCached = true, MayUseReserve = true };

    [Theory]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096 -O ^has_journal")]
    [InlineData("-t ext3 -b 1024")]
    [InlineData("-t ext4 -b 1024 -O bigalloc -C 4096")]
    public void The_last_block_can_be_used_and_nothing_breaks_behind_it(string options)
    {
        using var image = new WritableVolume(options, 16L << 20);
        byte[] data = new byte[50_000];
        Array.Fill(data, (byte)1);
        long size = Fill(image, 0, data, in s_ordinary);
        Assert.Equal(0ul, image.Volume.Statistics().AvailableBlocks);
        Assert.True(image.Volume.Statistics().FreeBlocks > 0);
        // The reserve's owner goes on.
        long whole = Fill(image, size, data, in s_reserve);
        Assert.True(whole > size);
        Assert.Equal(Errno.NoSpace, image.Volume.Write(image.File, whole + 1_000_000, data, in s_reserve, out _));
        bool hasExtents = image.Volume.Context.Geometry.Has(IncompatFeatures.Extents);
        Assert.Equal(hasExtents ? Errno.NoSpace : Errno.NotSupported,
            image.Volume.Allocate(image.File, FallocateMode.Allocate, whole + 1_000_000, 1_000_000, in s_reserve));
        // What still fits into the last block counts as written, and belongs to the file.
        Assert.Equal(Errno.Ok, image.Volume.Truncate(image.File, whole - 100, in s_reserve));
        Assert.Equal(Errno.NoSpace, image.Volume.Write(image.File, whole - 100, data, in s_reserve, out int part));
        Assert.Equal(100, part);
        Assert.Equal(whole, image.Attributes().SizeBytes);
        // What is there is written over and over.
        Array.Fill(data, (byte)2);
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, 1000, data, in s_ordinary, out int written));
        Assert.Equal(data.Length, written);
        // A hole in the middle needs no block it cannot have.
        Assert.Equal(Errno.Ok, image.Volume.Allocate(
            image.File, FallocateMode.PunchHole | FallocateMode.KeepSize, 500_000, 200_000, in s_ordinary));
        Assert.True(image.Volume.TryReclaimSpace(null));
        Assert.Equal(Errno.Ok, image.Volume.Write(image.File, 520_000, data, in s_reserve, out written));
        Assert.Equal(data.Length, written);
        image.CloseAndCheck();
    }

    /// <summary>Whose space was allocated beforehand can write to it, also when not even a block for the tree is left:
    /// extents are zeroed instead of split.</summary>
    [Theory]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096 -O bigalloc -C 16384")]
    public void Allocated_space_takes_data_on_a_volume_without_a_free_block(string options)
    {
        const int part = 5000;
        using var image = new WritableVolume(options, 16L << 20);
        byte[] data = new byte[part];
        Array.Fill(data, (byte)7);
        Assert.Equal(Errno.Ok, image.Volume.Allocate(image.File, FallocateMode.Allocate, 0, 40 * 4 * part, in s_ordinary));
        var taken = new List<BlockRun>();
        BlockAllocator allocator = image.Volume.Space!.Blocks;
        var goal = new AllocationGoal { Owner = image.File };
        while (allocator.Reserve(in goal, 1, SpaceClaim.Metadata, out BlockRun run) == Errno.Ok)
        {
            taken.Add(run);
        }
        for (int i = 0; i < 40; i++)
        {
            Errno error = image.Volume.Write(image.File, i * 4 * part, data, in s_ordinary, out int written);
            Assert.Equal((Errno.Ok, part), (error, written));
        }
        byte[] read = new byte[40 * 4 * part];
        Assert.Equal(Errno.Ok, image.Volume.Read(image.File, 0, read, out int length));
        Assert.Equal(read.Length, length);
        for (int i = 0; i < read.Length; i++)
        {
            Assert.True(read[i] == (i % (4 * part) < part ? 7 : 0), $"byte {i}: {read[i]}");
        }
        taken.ForEach(allocator.Cancel);
        image.CloseAndCheck();
    }

    private static long Fill(WritableVolume image, long size, byte[] data, in WriteOptions options)
    {
        while (true)
        {
            Errno error = image.Volume.Write(image.File, size, data, in options, out int written);
            size += written;
            if (error == Errno.NoSpace)
            {
                return size;
            }
            Assert.Equal(Errno.Ok, error);
        }
    }
}

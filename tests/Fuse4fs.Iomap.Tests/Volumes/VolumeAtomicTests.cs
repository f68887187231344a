using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Wire;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>RWF_ATOMIC: one block, where the device can; what statx(2) tells of it.</summary>
public sealed class VolumeAtomicTests
{
    private const ulong WriteAtomic = 0x400000;

    [Theory]
    [InlineData("v8", 4096, "-t ext4 -b 4096")]
    [InlineData("v9", 4096, "-t ext4 -b 4096")]
    [InlineData("v9", 1024, "-t ext4 -b 1024")]
    [InlineData("v9", 4096, "-t ext4 -b 4096 -O bigalloc -C 16384")]
    [InlineData("v9", 4096, "-t ext3 -b 4096")]
    public void A_block_is_written_as_a_whole(string revision, int block, string features)
    {
        using VolumeBench bench = Make(revision, features, 64 << 10);
        byte[] data = Bench.Bytes(4 * block, 1);
        long fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct);
        for (int i = 3; i >= 0; i--)
        {
            // Behind the end, in a hole, ...
            Bench.Equal(block, WriteOne(bench, fd, data.AsMemory(i * block, block), (long)i * block), $"block {i}");
        }
        data = Bench.Bytes(4 * block, 2);
        for (int i = 0; i < 4; i++)
        {
            // ... and where there is something.
            Bench.Equal(block, WriteOne(bench, fd, data.AsMemory(i * block, block), (long)i * block), $"block {i} again");
        }
        Bench.Equal(-(long)Errno.EINVAL, WriteOne(bench, fd, data.AsMemory(0, 2 * block), 0), "two blocks");
        (long error, AttributeWire.Statx stat) = bench.Bench.User.Statx("/file");
        Bench.Equal(0, error, "statx");
        Assert.Equal(WriteAtomic, stat.Attributes & WriteAtomic);
        Assert.Equal(((uint)block, (uint)block, 1u),
            (stat.AtomicWriteUnitMin, stat.AtomicWriteUnitMax, stat.AtomicWriteSegmentsMax));
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        bench.Bench.Holds("/file", data);
        bench.Finish();
        Assert.Empty(bench.Warnings);
    }

    [Theory]
    [InlineData("v8", 0)]
    [InlineData("v9", 2048)]
    public void Nothing_is_promised_that_the_device_cannot(string revision, int deviceBytes)
    {
        using VolumeBench bench = Make(revision, "-t ext4 -b 4096", deviceBytes);
        long fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct);
        Bench.Equal(-(long)Errno.EOPNOTSUPP, WriteOne(bench, fd, Bench.Bytes(4096, 1), 0), "atomic write");
        Assert.Equal(0u, bench.Bench.User.Statx("/file").Stat.AtomicWriteUnitMax);
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    private static long WriteOne(VolumeBench bench, long fd, ReadOnlyMemory<byte> data, long offset) =>
        bench.Bench.User.Pwrite(fd, new UserBuffer(data), offset, WriteFlags.Atomic);

    private static VolumeBench Make(string revision, string features, int deviceBytes) =>
        new(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20, inner => new AtomicStorage(inner))
        {
            AtomicWriteBytes = deviceBytes,
        };
}

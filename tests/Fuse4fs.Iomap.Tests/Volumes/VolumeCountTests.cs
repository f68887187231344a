using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.Testing;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>How often the kernel has to ask.</summary>
public sealed class VolumeCountTests
{
    private const int Block = 4096;
    private const int RandomWrites = 4096;

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void A_file_whose_map_is_known_causes_no_requests(string revision)
    {
        using VolumeBench bench = Make(revision);
        WriteFragments(bench.Bench, 200);
        long fd = bench.Bench.Open("/fragments");
        _ = bench.Bench.Kernel.Trace.Take();
        byte[] buffer = new byte[400 * Block];
        bench.Bench.User.Pread(fd, buffer, 0);
        Assert.Equal(0, VolumeBench.Count(bench.Bench.Kernel.Trace.Take(), "B("));
        bench.Bench.User.DropCache(fd);
        bench.Bench.User.Pread(fd, buffer, 0);
        Assert.Equal(0, VolumeBench.Count(bench.Bench.Kernel.Trace.Take(), "B("));
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void Random_direct_writes_share_commits_and_uploads(string revision)
    {
        using VolumeBench bench = Make(revision);
        long fd = bench.Bench.Create("/direct");
        Bench.Equal(0, bench.Bench.User.Fallocate(fd, 0, 0, RandomWrites * Block), "fallocate");
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        fd = bench.Bench.Open("/direct", OpenFlags.ReadWrite | OpenFlags.Direct);
        _ = bench.Bench.Kernel.Trace.Take();
        int flushes = bench.Storage.Flushes;
        int[] order = new int[RandomWrites];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }
        new Random(5).Shuffle(order);
        byte[] data = Bench.Bytes(Block, 1);
        foreach (int block in order)
        {
            bench.Bench.Write(fd, data, (long)block * Block);
        }
        string[] lines = bench.Bench.Kernel.Trace.Take();
        int uploads = VolumeBench.Count(lines, "UPSERT");
        Assert.True(uploads <= RandomWrites / 8, $"{uploads} uploads");
        // A commit flushes at most three times; the interval of the timer may pass on a slow machine, too.
        Assert.True(bench.Storage.Flushes - flushes <= 3 * (1 + (RandomWrites / 1000)) + 60, $"{bench.Storage.Flushes - flushes} flushes");
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    /// <summary>A file in more pieces than the kernel keeps: they are told in windows that grow.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void A_sequential_read_of_many_extents_asks_rarely(string revision)
    {
        const int extents = 8000;
        const int kept = 2048;
        const int small = 1024;
        using var bench = new VolumeBench(
            revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 1024", 48 << 20)
        {
            CacheBytes = kept * 32,
        };
        MakeScattered(bench.ImagePath, extents, small);
        long fd = bench.Bench.Open("/scattered", OpenFlags.ReadOnly);
        byte[] buffer = new byte[128 * small];
        for (long offset = 0; offset < (long)extents * small; offset += buffer.Length)
        {
            Assert.True(bench.Bench.User.Pread(fd, buffer, offset) > 0);
            Assert.Equal((byte)(offset / small % 251), buffer[0]);
        }
        string[] lines = bench.Bench.Kernel.Trace.Take();
        int questions = VolumeBench.Count(lines, "B(R)");
        int uploads = VolumeBench.Count(lines, "UPSERT");
        Assert.True(questions <= (extents / (kept / 5)) + 10, $"{questions} questions");
        Assert.True(uploads <= extents + (extents / 10), $"{uploads} uploads");
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    /// <summary>Even blocks first, then the others: no block follows the one before it on the device.</summary>
    private static void MakeScattered(string image, int blocks, int blockBytes)
    {
        using Volume volume = Volume.Open(EngineVolume.Device(image, isReadOnly: false), new VolumeOptions());
        var caller = new Caller(0, 0);
        Assert.Equal(Linux.Errno.Ok, volume.Create(
            InodeNumber.Root, "scattered"u8, 0x1A4, in caller, out InodeAttributes attributes));
        byte[] data = new byte[blockBytes];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int block = pass; block < blocks; block += 2)
            {
                Array.Fill(data, (byte)(block % 251));
                Assert.Equal(Linux.Errno.Ok, volume.Write(
                    attributes.Number, (long)block * blockBytes, data, new WriteOptions(), out _));
            }
        }
    }

    private static VolumeBench Make(string revision) =>
        new(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096", 64 << 20);

    /// <summary>A file in which every second block is a hole.</summary>
    private static void WriteFragments(Bench bench, int pieces)
    {
        long fd = bench.Create("/fragments");
        byte[] data = Bench.Bytes(Block, 1);
        for (int i = 0; i < pieces; i++)
        {
            bench.Write(fd, data, 2L * i * Block);
        }
        Bench.Equal(0, bench.User.Ftruncate(fd, 2L * pieces * Block), "ftruncate");
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        bench.Kernel.DropCaches(inodes: true);
    }
}

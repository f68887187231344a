using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>What was kept for writes that failed comes back; what is kept for others stays.</summary>
public sealed class VolumeSpaceTests
{
    private const int Block = 4096;
    private const int KeepSize = 1;

    /// <summary>Written to disk and not taken in, because a block of numbers could not be read: the blocks are tried again
    /// or free with the file, not lost.</summary>
    [Theory]
    [InlineData("v8", "-t ext2 -b 1024")]
    [InlineData("v9", "-t ext3 -b 1024")]
    public void Blocks_that_could_not_be_entered_are_not_lost(string revision, string features)
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, features, inner => faulty = new FaultyStorage(inner));
        long before = FreeAfterSync(bench);
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, Bench.Bytes(40_000, 1), 0);
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        before = Math.Min(before, FreeAfterSync(bench) + 41);
        fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
        faulty.OnWrite = (_, _) =>
        {
            faulty.OnWrite = null;
            bench.Volume.GiveBackMemory();
            faulty.OnRead = (_, _) =>
            {
                faulty.OnRead = null;
                return Errno.EIO;
            };
            return Errno.Ok;
        };
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Pwrite(fd, Bench.Bytes(1024, 2), 100 << 10), "direct write");
        bench.Bench.User.Close(fd);
        Bench.Equal(0, bench.Bench.User.Unlink("/file"), "unlink");
        bench.Bench.Kernel.DropCaches(inodes: true);
        bench.Bench.Eventually(before, () => FreeAfterSync(bench), "free blocks");
        bench.Finish();
    }

    /// <summary>Block maps: what was told and never written to is free when nobody can write to the file, though the kernel
    /// still knows it.</summary>
    [Theory]
    [InlineData("v8", "-t ext3 -b 4096")]
    [InlineData("v9", "-t ext2 -b 1024")]
    public void Blocks_of_a_failed_write_are_free_after_a_sync(string revision, string features)
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, features, inner => faulty = new FaultyStorage(inner));
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, Bench.Bytes(Block, 1), 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        long before = FreeAfterSync(bench);
        fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
        faulty.OnWrite = (_, _) => Errno.EIO;
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Pwrite(fd, Bench.Bytes(16 * Block, 2), Block), "direct write");
        faulty.OnWrite = null;
        long reading = bench.Bench.Open("/file", OpenFlags.ReadOnly);
        bench.Bench.User.Close(fd);
        bench.Bench.Eventually(before, () => FreeAfterSync(bench), "free blocks");
        bench.Bench.User.Close(reading);
        fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
        bench.Bench.Write(fd, Bench.Bytes(16 * Block, 2), Block);
        bench.Bench.User.Close(fd);
        bench.Bench.Holds("/file", [.. Bench.Bytes(Block, 1), .. Bench.Bytes(16 * Block, 2)]);
        bench.Finish();
    }

    /// <summary>Nodes of the map were kept for data that did not reach the device.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void Nodes_kept_for_a_failed_write_are_given_back(string revision)
    {
        const int blocks = 13;
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, "-t ext4 -b 4096", inner => faulty = new FaultyStorage(inner));
        long fd = bench.Bench.Create("/file");
        long before = FreeAfterSync(bench);
        bench.Bench.Write(fd, Bench.Bytes(blocks * Block, 1), 0);
        Assert.True(bench.Volume.Statistics().FreeBlocks < (ulong)(before - blocks), "nothing was kept for nodes");
        faulty.OnWrite = (_, _) => Errno.EIO;
        bench.Bench.Kernel.FlushInBackground(waits: true);
        faulty.OnWrite = null;
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.Eventually(before - blocks, () => FreeAfterSync(bench), "free blocks while the file is open");
        bench.Bench.User.Close(fd);
        bench.Finish();
    }

    /// <summary>What completes elsewhere in the file does not use up what is kept for data still in the cache.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void Nodes_stay_kept_for_data_still_in_the_cache(string revision)
    {
        const int blocks = 16;
        const long far = 1 << 20;
        using VolumeBench bench = Make(revision, "-t ext4 -b 4096", inner => inner);
        long direct = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Direct);
        Bench.Equal(0, bench.Bench.User.Fallocate(direct, KeepSize, far, blocks * Block), "fallocate");
        long fd = bench.Bench.Open("/file");
        bench.Bench.Write(fd, Bench.Bytes(4 * Block, 1), 0);
        ulong kept = bench.Volume.Statistics().FreeBlocks;
        bench.Bench.Write(direct, Bench.Bytes(blocks * Block, 2), far);
        Assert.Equal(kept, bench.Volume.Statistics().FreeBlocks);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        Assert.True(bench.Volume.Statistics().FreeBlocks > kept, "nodes stay kept when all is written");
        bench.Bench.User.Close(fd);
        bench.Bench.User.Close(direct);
        bench.Finish();
    }

    /// <summary>Whatever has happened: when nobody writes any more, what counts as free is what is free on disk.</summary>
    [Theory]
    [InlineData("v8", "-t ext4 -b 4096", 11)]
    [InlineData("v9", "-t ext4 -b 1024", 12)]
    [InlineData("v8", "-t ext3 -b 1024", 13)]
    [InlineData("v9", "-t ext2 -b 4096", 14)]
    [InlineData("v9", "-t ext4 -b 4096 -O bigalloc -C 16384", 15)]
    public void Nothing_stays_kept_for_nobody(string revision, string features, int seed)
    {
        TwinOptions options = (revision == "v8" ? TwinOptions.V8 : TwinOptions.V9) with { Seed = seed };
        using var bench = new VolumeBench(options, features, 24 << 20);
        new RandomOperations(bench.Bench, seed, 150)
        {
            MayRefuseAllocation = !features.Contains("ext4", StringComparison.Ordinal),
        }.Run();
        bench.Bench.Kernel.Settle();
        long free = FreeAfterSync(bench);
        for (int again = 0; again < 200 && free != FreeAfterSync(bench); again++)
        {
            Thread.Sleep(5);        // RELEASE is not waited for
            free = FreeAfterSync(bench);
        }
        bench.Finish();
        string header = Testing.Tool.Check("dumpe2fs", "-h", bench.ImagePath);
        string line = header.Split('\n').Single(one => one.StartsWith("Free blocks:", StringComparison.Ordinal));
        Assert.Equal(line.Split(':')[1].Trim(), $"{free}");
    }

    /// <summary>A full volume: what a removed file had is shown as free, and is to be had at once.</summary>
    [Theory]
    [InlineData("v8", "-t ext4 -b 1024 -m 0")]
    [InlineData("v9", "-t ext3 -b 1024 -m 0")]
    public void Space_of_a_removed_file_is_shown_and_had_at_once(string revision, string features)
    {
        using VolumeBench bench = Make(revision, features, inner => inner);
        long keep = bench.Bench.Create("/keep");
        bench.Bench.User.Close(keep);
        long before = FreeAfterSync(bench);
        long written = Fill(bench.Bench, "/full");
        Bench.Equal(0, bench.Bench.User.Unlink("/full"), "unlink");
        bench.Bench.Kernel.DropCaches(inodes: true);
        bench.Bench.Kernel.Settle();
        // Without a sync: what waits for a commit counts as free.
        bench.Bench.Eventually((ulong)before, () => bench.Volume.Statistics().FreeBlocks, "free blocks");
        Assert.Equal(written, Fill(bench.Bench, "/full"));
        Bench.Equal(0, bench.Bench.User.Unlink("/full"), "unlink");
        bench.Bench.Kernel.DropCaches(inodes: true);
        bench.Bench.Kernel.Settle();
        // Nothing is committed meanwhile: the writer waits for what is on its way back.
        Assert.True(Fill(bench.Bench, "/again") > written / 2, "the space was not to be had");
        bench.Finish();
    }

    private static long Fill(Bench bench, string path)
    {
        const int chunk = 256 << 10;
        long fd = bench.Create(path);
        byte[] data = Bench.Bytes(chunk, 1);
        long offset = 0;
        long count;
        while ((count = bench.User.Pwrite(fd, data, offset)) > 0)
        {
            offset += count;
        }
        Bench.Equal(-(long)Errno.ENOSPC, count, "write on a full volume");
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        return offset;
    }

    private static long FreeAfterSync(VolumeBench bench)
    {
        Bench.Equal(0, bench.Bench.User.Syncfs(), "syncfs");
        return (long)bench.Volume.Statistics().FreeBlocks;
    }

    /// <summary>No commit of the timer's own: it would meet the fault, too.</summary>
    private static VolumeBench Make(string revision, string features, Func<IBlockStorage, IBlockStorage> wrap) =>
        new(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20, wrap)
        {
            CommitInterval = TimeSpan.FromMinutes(10),
        };
}

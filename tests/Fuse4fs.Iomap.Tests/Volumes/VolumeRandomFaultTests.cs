using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Data does not reach the device now and then: each byte is one that was written there at some time, never what a
/// block held before it was the file's; what is written again is there; the volume stays whole. FUSE4FS_TEST_SCALE: rounds.
/// </summary>
public sealed class VolumeRandomFaultTests
{
    private const byte Stale = 0xA5;
    private const int FileBytes = 200_000;
    private const int Operations = 60;
    private const int Sector = 512;

    /// <summary>One write in so many fails.</summary>
    private const int FaultShare = 6;

    [Theory]
    [InlineData("v8", "-t ext4 -b 4096", 1)]
    [InlineData("v9", "-t ext4 -b 1024", 2)]
    [InlineData("v8", "-t ext3 -b 1024", 3)]
    [InlineData("v9", "-t ext2 -b 4096", 4)]
    [InlineData("v8", "-t ext4 -b 4096 -O bigalloc -C 16384", 5)]
    [InlineData("v9", "-t ext4 -b 4096 -O inline_data -I 256", 6)]
    [InlineData("v8", "-t ext4 -b 1024 -O quota,project -I 256", 7)]
    public void Failing_writes_leave_what_was_written_before(string revision, string features, int seed)
    {
        for (int round = 0; round < TestSize.Scale; round++)
        {
            Run(revision, features, seed + (round * 100));
        }
    }

    private static void Run(string revision, string features, int seed)
    {
        var random = new Random(seed);
        FaultyStorage faulty = null!;
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features)
        {
            KernelSide = storage => faulty = new FaultyStorage(storage),
        };
        Soil(bench.Bench);
        long fd = bench.Bench.Create("/file");
        long direct = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
        Bench.Equal(0, bench.Bench.User.Ftruncate(fd, FileBytes), "ftruncate");
        var possible = new List<byte[]> { new byte[FileBytes] };
        int faults = 0;
        Errno Fault() => random.Next(FaultShare) == 0 && ++faults > 0 ? Errno.EIO : Errno.Ok;
        for (int step = 0; step < Operations; step++)
        {
            bool fails = step % 20 is >= 5 and < 15;
            faulty.OnWrite = fails ? (_, _) => Fault() : null;
            Step(bench.Bench, fd, direct, possible, random);
        }
        faulty.OnWrite = null;
        Assert.True(faults > 0, $"seed {seed}: nothing failed");
        _ = bench.Bench.User.Fsync(fd);     // what failed last is told of here
        Close(bench.Bench, fd, direct);
        bench.Bench.Remount();
        Compare(bench.Bench, possible, seed);

        byte[] healed = Data(FileBytes, random);
        fd = bench.Bench.Open("/file");
        bench.Bench.Write(fd, healed, 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        bench.Bench.Holds("/file", healed);
        bench.Finish();
    }

    private static void Step(Bench bench, long fd, long direct, List<byte[]> possible, Random random)
    {
        int offset = random.Next(FileBytes - 40_000);
        byte[] data = Data(Sector + random.Next(39_000), random);
        switch (random.Next(7))
        {
            case 0 or 1 or 2:
                Remember(possible, offset, data);
                long written = bench.User.Pwrite(fd, data, offset);
                Bench.Equal(true, written == data.Length || written == -(long)Errno.EIO, $"write: {written}");
                break;
            case 3 or 4:
                offset = offset / Sector * Sector;
                data = data[..(data.Length / Sector * Sector)];
                Remember(possible, offset, data);
                long direction = bench.User.Pwrite(direct, data, offset);
                Bench.Equal(true, direction == data.Length || direction == -(long)Errno.EIO, $"direct write: {direction}");
                break;
            case 5:
                bench.Kernel.FlushInBackground(waits: true);
                break;
            default:
                long synced = bench.User.Fsync(fd);
                Bench.Equal(true, synced is 0 or -(long)Errno.EIO, $"fsync: {synced}");
                break;
        }
    }

    private static void Remember(List<byte[]> possible, int offset, byte[] data)
    {
        byte[] next = (byte[])possible[^1].Clone();
        data.CopyTo(next, offset);
        possible.Add(next);
    }

    /// <summary>Neither zero nor what was there before.</summary>
    private static byte[] Data(int length, Random random)
    {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++)
        {
            data[i] = (byte)(1 + random.Next(Stale - 1));
        }
        return data;
    }

    private static void Soil(Bench bench)
    {
        byte[] dirt = new byte[6 << 20];
        Array.Fill(dirt, Stale);
        long fd = bench.Create("/dirt");
        bench.Write(fd, dirt, 0);
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        Bench.Equal(0, bench.User.Unlink("/dirt"), "unlink");
        Bench.Equal(0, bench.User.Syncfs(), "syncfs");
    }

    private static void Close(Bench bench, long fd, long direct)
    {
        bench.User.Close(direct);
        bench.User.Close(fd);
    }

    private static void Compare(Bench bench, List<byte[]> possible, int seed)
    {
        long fd = bench.Open("/file", OpenFlags.ReadOnly);
        byte[] found = new byte[FileBytes];
        Bench.Equal(FileBytes, bench.User.Pread(fd, found, 0), "size");
        for (int i = 0; i < found.Length; i++)
        {
            byte value = found[i];
            Assert.True(possible.Exists(content => content[i] == value), $"seed {seed}: byte {i} is {value:x2}");
        }
        bench.User.Close(fd);
    }
}

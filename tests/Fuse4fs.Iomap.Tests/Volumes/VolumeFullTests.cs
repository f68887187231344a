using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Whatever was accepted finds its place, also where the last free space is in single blocks and every block
/// that is written makes the map larger.</summary>
public sealed class VolumeFullTests
{
    private const int Chunk = 64 << 10;

    /// <summary>FALLOC_FL_*.</summary>
    private const int KeepSize = 1, PunchHole = 2;

    [Theory]
    [InlineData("v8", "-t ext4 -b 1024")]
    [InlineData("v9", "-t ext4 -b 1024")]
    [InlineData("v8", "-t ext3 -b 1024")]
    [InlineData("v9", "-t ext2 -b 1024")]
    public void What_is_accepted_on_a_full_and_scattered_volume_is_written(string revision, string features)
    {
        using var bench = new VolumeBench(
            revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features + " -m 0", 8 << 20);
        Bench user = bench.Bench;
        long size = Fill(user, "/full", 1);
        long full = user.Open("/full");
        for (long offset = 0; offset + 1024 <= Math.Min(size, 2 << 20); offset += 2048)
        {
            Bench.Equal(0, user.User.Fallocate(full, KeepSize | PunchHole, offset, 1024), "punch");
        }
        user.User.Close(full);
        Bench.Equal(0, user.User.Syncfs(), "syncfs");
        long written = Fill(user, "/scattered", 2);
        Assert.True(written > 0, "nothing was accepted");
        byte[] expected = new byte[written];
        for (long at = 0; at < written; at += Chunk)
        {
            Bench.Bytes(Chunk, 2 + (int)(at / Chunk)).AsSpan(0, (int)Math.Min(Chunk, written - at)).CopyTo(expected.AsSpan((int)at));
        }
        user.Remount();
        user.Holds("/scattered", expected);
        bench.Finish();
        Assert.Empty(bench.Warnings);
    }

    /// <summary>Writes until the volume is full, and syncs what was accepted.</summary>
    /// <returns>Bytes accepted.</returns>
    private static long Fill(Bench bench, string path, int seed)
    {
        long fd = bench.Create(path);
        long offset = 0;
        while (true)
        {
            long count = bench.User.Pwrite(fd, Bench.Bytes(Chunk, seed + (int)(offset / Chunk)), offset);
            if (count <= 0)
            {
                Bench.Equal(-(long)Errno.ENOSPC, count, "write on a full volume");
                break;
            }
            offset += count;
            if (count < Chunk)
            {
                break;
            }
        }
        Bench.Equal(0, bench.User.Fsync(fd), "fsync");
        bench.User.Close(fd);
        return offset;
    }
}

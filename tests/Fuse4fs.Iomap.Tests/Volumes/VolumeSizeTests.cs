using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Sizes that the kernel tells of badly, or not at all.</summary>
public sealed class VolumeSizeTests
{
    /// <summary>A writer is killed when its END is to be sent: nobody tells of the new end but the write-back of a block
    /// that needed no change of the map.</summary>
    [Theory]
    [InlineData("v8", true)]
    [InlineData("v8", false)]
    [InlineData("v9", true)]
    [InlineData("v9", false)]
    public void A_size_without_END_and_APPEND_is_kept(string revision, bool reopens)
    {
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096");
        byte[] data = Bench.Bytes(300, 1);
        long fd = bench.Bench.Create("/tail");
        bench.Bench.Write(fd, data[..100], 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        if (reopens)
        {
            bench.Bench.User.Close(fd);
            bench.Bench.Kernel.DropCaches(inodes: true);
            fd = bench.Bench.Open("/tail");
        }
        var writer = bench.Bench.Kernel.Process();
        long other = writer.Open("/tail", Fuse4fs.KernelTwin.Files.OpenFlags.ReadWrite);
        bench.Bench.Kernel.Faults.KillSender = entry => entry.ToString().Contains("E(W)", StringComparison.Ordinal);
        _ = writer.Pwrite(other, data[100..], 100);
        bench.Bench.Kernel.Faults.KillSender = null;
        long size = bench.Bench.User.Fstat(fd).Stat!.Size;
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        _ = writer.Close(other);
        bench.Bench.Remount();
        bench.Bench.Holds("/tail", data[..(int)size]);
        bench.Finish();
        Assert.Equal(300, size);
    }

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void What_a_killed_writer_reserved_is_found_again(string revision)
    {
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096");
        long warm = bench.Bench.Create("/warm");
        bench.Bench.User.Close(warm);
        ulong before = (ulong)bench.Volume.Statistics().FreeBlocks;
        var writer = bench.Bench.Kernel.Process();
        long fd = writer.Open("/big", Fuse4fs.KernelTwin.Files.OpenFlags.ReadWrite | Fuse4fs.KernelTwin.Files.OpenFlags.Create);
        bench.Bench.Kernel.Faults.KillSender = entry => entry.ToString().Contains("B(W)", StringComparison.Ordinal);
        _ = writer.Pwrite(fd, Bench.Bytes(1 << 20, 1), 0);
        bench.Bench.Kernel.Faults.KillSender = null;
        _ = writer.Close(fd);
        Bench.Equal(0, bench.Bench.User.Unlink("/big"), "unlink");
        bench.Bench.Kernel.DropCaches(inodes: true);
        bench.Bench.Eventually(before, () => (ulong)bench.Volume.Statistics().FreeBlocks, "free blocks");
        bench.Finish();
    }
}

using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Data that does not reach the device: reported, not taken for written, and the volume stays whole.</summary>
public sealed class VolumeFaultTests
{
    [Theory]
    [InlineData("v8", "-t ext4 -b 4096")]
    [InlineData("v9", "-t ext4 -b 1024")]
    [InlineData("v8", "-t ext3 -b 1024")]
    public void Failed_write_back_is_told_and_can_be_repeated(string revision, string features)
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, features, inner => faulty = new FaultyStorage(inner));
        byte[] data = Bench.Bytes(100_000, 1);
        long fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, data[..50_000], 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.Write(fd, data[50_000..], 50_000);
        faulty.OnWrite = (_, _) => Errno.EIO;
        bench.Bench.Kernel.FlushInBackground(waits: true);
        faulty.OnWrite = null;
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Fsync(fd), "fsync after a failed write-back");
        bench.Bench.Write(fd, data[50_000..], 50_000);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        bench.Bench.Holds("/file", data);
        bench.Finish();
    }

    [Theory]
    [InlineData("v8", "-t ext4 -b 4096")]
    [InlineData("v9", "-t ext3 -b 1024")]
    public void A_failed_direct_write_changes_neither_size_nor_state(string revision, string features)
    {
        FaultyStorage faulty = null!;
        using VolumeBench bench = Make(revision, features, inner => faulty = new FaultyStorage(inner));
        byte[] data = Bench.Bytes(32_768, 1);
        long fd = bench.Bench.Create("/file");
        bench.Bench.User.Close(fd);
        fd = bench.Bench.Open("/file", OpenFlags.ReadWrite | OpenFlags.Direct);
        bench.Bench.Write(fd, data, 0);
        faulty.OnWrite = (_, _) => Errno.EIO;
        Bench.Equal(-(long)Errno.EIO, bench.Bench.User.Pwrite(fd, data, 65_536), "direct write");
        faulty.OnWrite = null;
        Bench.Equal(32_768, bench.Bench.User.Fstat(fd).Stat!.Size, "size");
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        bench.Bench.Remount();
        bench.Bench.Holds("/file", data);
        bench.Finish();
    }

    /// <summary>No commit of the timer's own: it would meet the fault, too.</summary>
    private static VolumeBench Make(string revision, string features, Func<IBlockStorage, IBlockStorage> wrap) =>
        new(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, features, 16 << 20, wrap)
        {
            CommitInterval = TimeSpan.FromMinutes(10),
        };
}

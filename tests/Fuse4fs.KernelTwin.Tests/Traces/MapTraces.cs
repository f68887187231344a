using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 7 of the recordings.</summary>
public sealed class MapTraces
{
    [Fact]
    public void Faults_of_a_written_file()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100_000);
        TwinMap map = mounted.User.Mmap(fd, isWritable: true)!;
        Assert.True(mounted.User.Load(map, 0, new byte[10]));
        mounted.Expect("B(R) 0+102400 -> M");
        Assert.True(mounted.User.Store(map, 99_000, Mounted.Bytes(10)));
        mounted.Expect("B(W|FAULT) 98304+1696 -> M");
        Assert.True(mounted.User.Store(map, 99_020, Mounted.Bytes(10)));
        mounted.Expect();
        mounted.User.Msync(map);
        mounted.Expect("B(WB) 98304+4096 -> M", "SA(T)", "FSYNC 1");
        Assert.True(mounted.User.Store(map, 99_000, Mounted.Bytes(10)));
        mounted.Expect("B(W|FAULT) 98304+1696 -> M");
        mounted.User.Close(fd);
        mounted.Quiet();
        Assert.True(mounted.User.Store(map, 0, Mounted.Bytes(10)));
        mounted.Expect("B(W|FAULT) 0+4096 -> M");
        mounted.User.Munmap(map);
        mounted.Expect("B(WB) 0+4096 -> M", "SA(T)", "0 RELEASE");
    }

    [Fact]
    public void A_store_into_a_hole()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Ftruncate(fd, 100_000);
        TwinMap map = mounted.User.Mmap(fd, isWritable: true)!;
        mounted.Quiet();
        Assert.True(mounted.User.Store(map, 99_000, Mounted.Bytes(10)));
        mounted.Expect("B(R) 32768+69632 -> H", "B(W|FAULT) 98304+1696 -> U");
        mounted.User.Msync(map);
        mounted.Expect("B(WB) 98304+4096 -> U", "K I[U|WB] 98304+1696", "SA(T)", "FSYNC 1");
    }

    [Fact]
    public void Errors_are_signals()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100_000);
        TwinMap map = mounted.User.Mmap(fd, isWritable: true)!;
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.EIO : Errno.Ok;
        Assert.False(mounted.User.Load(map, 0, new byte[10]));
        mounted.Expect("B(R) 0+102400 => EIO", "B(R) 0+102400 => EIO", "B(R) 0+4096 => EIO");
        mounted.Server.Fault = null;
        Assert.True(mounted.User.Load(map, 0, new byte[10]));
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.ENOSPC : Errno.Ok;
        Assert.False(mounted.User.Store(map, 0, Mounted.Bytes(10)));
        Assert.False(mounted.User.Load(map, 200_000, new byte[10]));
    }
}

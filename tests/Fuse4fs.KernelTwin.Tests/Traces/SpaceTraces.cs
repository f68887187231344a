using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 8 of the recordings: truncate, fallocate, copy_file_range.</summary>
public sealed class SpaceTraces
{
    [Fact]
    public void Down_in_clean_written_blocks()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 20000);
        mounted.User.Ftruncate(fd, 5000);
        mounted.Expect("GX", "B(Z) 5000+3192 -> M", "B(WB) 4096+4096 -> M", "SA(0x668) size 5000");
        mounted.User.Ftruncate(fd, 4096);
        mounted.Expect("GX", "SA(0x668) size 4096");
        mounted.User.Truncate("/f", 0);
        mounted.Expect("GX", "SA(0x628) size 0");
    }

    [Fact]
    public void Down_in_dirty_unwritten_blocks()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(40000), 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 5000);
        mounted.ExpectWithoutGx("B(Z) 5000+3192 -> U", "B(WB) 4096+4096 -> U", "K I[U|A|WB] 4096+4096",
            "E(Z) 5000+3192 w=0 {U 0+40960 STALE}", "B(Z) 5000+3192 -> M", "B(WB) 0+4096", "B(WB) 4096+4096",
            "K I[U|WB] 0+4096", "SA(0x668) size 5000");
    }

    [Fact]
    public void Down_in_dirty_reservations()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Delays = true, ConvertsWholeExtents = false,
            MostAnsweredBlocks = 1 });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(65536), 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 10000);
        mounted.ExpectWithoutGx("B(Z) 10000+2288 -> D", "B(WB) 0+4096", "B(WB) 4096+4096", "B(WB) 8192+4096",
            "K I[U|A|WB] 0+10000", "SA(0x668) size 10000");
        Assert.Equal(0, mounted.Volume.Reserved);
    }

    [Fact]
    public void Down_to_a_block_and_to_nothing()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(65536), 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 4096);
        mounted.Expect("GX", "B(WB) 0+4096 -> U", "K I[U|A|WB] 0+4096", "SA(0x668) size 4096");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 0);
        mounted.ExpectWithoutGx("SA(0x668) size 0");
    }

    [Fact]
    public void Up()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 5000);
        mounted.User.Ftruncate(fd, 8192);
        mounted.ExpectWithoutGx("B(Z) 5000+3192 -> M", "B(WB) 4096+4096 -> M", "K I[A|WB] 4096+4096",
            "SA(0x668) size 8192");
        mounted.User.Ftruncate(fd, 100_000);
        mounted.ExpectWithoutGx("B(Z) 8192+91808 -> H", "SA(0x668) size 100000");
        mounted.User.Ftruncate(fd, 5000);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 5000);
        mounted.ExpectWithoutGx("B(Z) 5000+3192 -> M", "B(WB) 4096+4096 -> M", "SA(0x668) size 5000");
    }

    [Fact]
    public void Errors_of_truncate()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 20000);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.EIO : Errno.Ok;
        Assert.Equal(-(long)Errno.EIO, mounted.User.Ftruncate(fd, 5000));
        mounted.Expect("GX", "B(Z) 5000+3192 => EIO");
        Assert.Equal(20000, mounted.User.Fstat(fd).Stat!.Size);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Setattr ? Errno.EIO : Errno.Ok;
        Assert.Equal(-(long)Errno.EIO, mounted.User.Ftruncate(fd, 4096));
        // The kernel's size has changed all the same.
        Assert.Equal(4096, mounted.User.Fstat(fd).Stat!.Size);
    }

    [Fact]
    public void A_cached_file_is_truncated_without_begin()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true });
        long fd = mounted.Written("/f", 32768);
        mounted.User.Pread(fd, new byte[32768], 0);
        mounted.Quiet();
        mounted.User.Ftruncate(fd, 10000);
        mounted.ExpectWithoutGx("SA(0x668) size 10000");
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 9000);
        mounted.ExpectWithoutGx("B(W) 9000+10 -> M");
    }

    [Fact]
    public void Open_with_truncation()
    {
        using var mounted = new Mounted();
        mounted.Written("/f", 5000);
        mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Truncate);
        mounted.Expect("OPEN 0x8002", "GX", "SA(0x628) size 0");
        using var atomic = new Mounted(RefPolicy.Recorded with { Init = RefPolicy.Recorded.Init | InitFlags.AtomicTruncate });
        long fd = atomic.Written("/f", 5000);
        atomic.User.Pwrite(fd, Mounted.Bytes(100), 0);
        atomic.Quiet();
        long second = atomic.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Truncate);
        atomic.Expect("OPEN 0x8202");
        atomic.User.Close(second);
        atomic.Expect("SA(T)", "FLUSH", "0 RELEASE");
    }

    [Fact]
    public void Allocating()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Fallocate(fd, 0, 0, 65536);
        mounted.Expect("GX", "FALLOCATE 0 0+65536", "B(Z) 0+65536 -> U", "SA(T)");
        mounted.User.Fallocate(fd, 1, 65536, 65536);
        mounted.Expect("GX", "FALLOCATE 1 65536+65536", "SA(T)");
        mounted.User.Fallocate(fd, 0x11, 65536, 4096);
        mounted.Expect("GX", "FALLOCATE 17 65536+4096", "SA(T)");
    }

    [Fact]
    public void Growing_by_allocation_writes_everything()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 5000);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Quiet();
        mounted.User.Fallocate(fd, 0, 0, 65536);
        mounted.Expect("GX", "FALLOCATE 0 0+65536", "B(Z) 5000+60536 -> M", "B(Z) 8192+57344 -> U",
            "B(WB) 0+4096 -> M", "SA(T)");
    }

    [Fact]
    public void Punching()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 20480);
        mounted.User.Fallocate(fd, 3, 100, 8192);
        mounted.Expect("GX", "FALLOCATE 3 100+8192", "B(Z) 100+8192 -> M 0+4096", "B(Z) 4096+4196 -> H 4096+4096",
            "B(Z) 8192+100 -> M", "SA(T)");
        mounted.User.Fsync(fd);
        mounted.Quiet();
        mounted.User.Fallocate(fd, 3, 12288, 1 << 20);
        mounted.Expect("GX", "FALLOCATE 3 12288+1048576", "B(Z) 12288+8192 -> H", "SA(T)");
    }

    [Fact]
    public void Punching_dirty_reservations()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Delays = true });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(40960), 0);
        mounted.Quiet();
        mounted.User.Fallocate(fd, 3, 8192, 8192);
        mounted.Expect("B(WB) 8192+4096 -> U", "K I[U|A|WB] 8192+8192", "GX", "FALLOCATE 3 8192+8192",
            "B(Z) 8192+8192 -> H", "SA(T)");
    }

    [Fact]
    public void Zeroing_a_range()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 40960);
        mounted.User.Fallocate(fd, 0x10, 13000, 9000);
        mounted.Expect("GX", "FALLOCATE 16 13000+9000", "B(Z) 13000+9000 -> M", "B(Z) 16384+5616 -> U",
            "B(Z) 20480+1520 -> M", "SA(T)");
    }

    [Fact]
    public void What_fallocate_refuses_and_forgets()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        foreach (int mode in new[] { 8, 0x20, 0x40, 0x80 })
        {
            Assert.Equal(-(long)Errno.EOPNOTSUPP, mounted.User.Fallocate(fd, mode, 0, 4096));
        }
        mounted.Expect();
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Fallocate ? Errno.ENOSPC : Errno.Ok;
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Fallocate(fd, 0, 0, 4096));
        mounted.Expect("GX", "FALLOCATE 0 0+4096 => ENOSPC", "SA(T)");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Fallocate ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(-(long)Errno.EOPNOTSUPP, mounted.User.Fallocate(fd, 0, 0, 4096));
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EOPNOTSUPP, mounted.User.Fallocate(fd, 0, 0, 4096));
        mounted.Expect();
    }

    [Fact]
    public void Copying_a_range()
    {
        using var mounted = new Mounted();
        long source = mounted.Written("/s", 8192);
        long target = mounted.Create("/t");
        mounted.User.Pwrite(source, Mounted.Bytes(10), 0);
        mounted.User.Pwrite(target, Mounted.Bytes(10), 0);
        mounted.Quiet();
        Assert.Equal(8192, mounted.User.CopyFileRange(source, 0, target, 0, 8192));
        mounted.Expect("B(WB) 0+4096 -> M", "GX", "B(WB) 0+4096 -> U", "K I[U|A|WB] 0+10", "CFR64 0+8192 to 0", "SA(T)");
        Assert.Equal(8192, mounted.User.Fstat(target).Stat!.Size);
    }

    [Fact]
    public void Copying_falls_back()
    {
        using var mounted = new Mounted();
        long source = mounted.Written("/s", 4096);
        long target = mounted.Create("/t");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.CopyFileRange64 ? Errno.ENOSYS : Errno.Ok;
        mounted.Quiet();
        Assert.Equal(4096, mounted.User.CopyFileRange(source, 0, target, 0, 4096));
        mounted.Expect("GX", "CFR64 0+4096 to 0 => ENOSYS", "CFR47 0+4096 to 0", "SA(T)");
        mounted.User.CopyFileRange(source, 0, target, 0, 4096);
        mounted.Expect("GX", "CFR47 0+4096 to 0", "SA(T)");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.CopyFileRange ? Errno.EOPNOTSUPP : Errno.Ok;
        Assert.Equal(4096, mounted.User.CopyFileRange(source, 0, target, 0, 4096));
        mounted.Expect("GX", "CFR47 0+4096 to 0 => EOPNOTSUPP", "SA(T)", "B(R) 0+4096 -> M", "GX", "B(W) 0+4096 -> M");
    }
}

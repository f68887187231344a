using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Sections 2, 10 (swap) and 13 of the recordings.</summary>
public sealed class SessionTraces
{
    private static readonly TwinOptions s_lenient = TwinOptions.V8 with { IsStrict = false };

    [Fact]
    public void Mounting_sends_init_and_config_only()
    {
        using var mounted = new Mounted();
        mounted.Expect("0 INIT", "0 CONFIG");
        mounted.User.Stat("/");
        mounted.Expect("GETATTR");
    }

    [Fact]
    public void An_asynchronous_mount_returns_at_once()
    {
        using var mounted = new Mounted(mounts: false, syncs: false);
        Assert.Equal(Errno.Ok, mounted.Kernel.Mount());
        Assert.Equal(0, mounted.User.Stat("/").Error);
        mounted.Expect("0 INIT", "0 CONFIG", "GETATTR");
        using var refused = new Mounted(mounts: false, syncs: false);
        refused.Server.Fault = (opcode, _) => opcode == Opcode.IomapConfig ? Errno.EIO : Errno.Ok;
        Assert.Equal(Errno.Ok, refused.Kernel.Mount());
        Assert.Equal(-(long)Errno.ECONNREFUSED, refused.User.Stat("/").Error);
    }

    [Theory]
    [InlineData(true, Errno.EIO)]
    [InlineData(false, Errno.EINVAL)]
    public void A_failed_config_fails_the_mount(bool isV8, Errno expected)
    {
        using var mounted = new Mounted(options: isV8 ? TwinOptions.V8 : TwinOptions.V9, mounts: false);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapConfig ? Errno.EIO : Errno.Ok;
        Assert.Equal(expected, mounted.Kernel.Mount());
        mounted.Expect("0 INIT", "0 CONFIG => EIO", "0 DESTROY");
    }

    [Fact]
    public void A_config_that_is_not_known_leaves_the_defaults()
    {
        using var mounted = new Mounted(mounts: false);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapConfig ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(Errno.Ok, mounted.Kernel.Mount());
        Assert.Equal(4096, mounted.Kernel.Config.BlockSize);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(65536)]
    public void Odd_block_sizes_are_accepted(int size)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { BlockSize = size });
        long fd = mounted.Create("/f");
        byte[] data = Mounted.Bytes(100_000);
        mounted.User.Pwrite(fd, data, 0);
        mounted.User.Fsync(fd);
        mounted.User.DropCache(fd);
        byte[] back = new byte[data.Length];
        mounted.User.Pread(fd, back, 0);
        Assert.Equal(data, back);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(4u)]
    public void Files_without_both_flags_use_read_and_write(uint flags)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { FileFlags = (AttributeFlags)flags }, s_lenient);
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Expect("WRITE 0+10 => EIO");
    }

    [Fact]
    public void Unmounting_on_v8_sends_destroy_alone()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100);
        Assert.Equal(Errno.EBUSY, mounted.Kernel.Unmount());
        mounted.User.Close(fd);
        mounted.Quiet();
        Assert.Equal(Errno.Ok, mounted.Kernel.Unmount());
        mounted.Expect("0 DESTROY");
    }

    [Fact]
    public void Unmounting_on_v9_syncs_and_forgets()
    {
        using var mounted = new Mounted(options: TwinOptions.V9);
        mounted.User.Close(mounted.Written("/f", 100));
        mounted.Quiet();
        Assert.Equal(Errno.Ok, mounted.Kernel.Unmount());
        mounted.Expect("SYNCFS", "0 FORGET", "0 DESTROY");
        byte[] buffer = new byte[1 << 21];
        Assert.Equal(-(int)Errno.ENODEV, mounted.Kernel.Device.Read(buffer));
    }

    [Fact]
    public void Freezing()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        long gone = mounted.Create("/g");
        mounted.User.Unlink("/g");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.User.Stat("/");
        mounted.Quiet();
        Assert.Equal(0, mounted.User.Freeze());
        mounted.Expect("F B(WB) 0+4096", "F SA(T)", "K I[U|A|WB] 0+100", "SYNCFS", "FREEZE_FS 1");
        Task<long> writer = mounted.Kernel.Scheduler.Run(() => Task.FromResult(
            mounted.User.Process.Pwrite((int)fd, Mounted.Bytes(10), 0)));
        mounted.Kernel.Settle();
        Assert.False(writer.IsCompleted);
        mounted.Expect();
        Assert.Equal(0, mounted.User.Thaw());
        mounted.Kernel.Settle();
        Assert.True(writer.IsCompleted);
        mounted.Expect("UNFREEZE_FS", "GX", "B(W) 0+10 -> M");
        mounted.User.Close(gone);
    }

    [Theory]
    [InlineData(Errno.EIO, Errno.EIO)]
    [InlineData(Errno.ENOSYS, Errno.EOPNOTSUPP)]
    public void A_freeze_that_fails(Errno answer, Errno expected)
    {
        using var mounted = new Mounted();
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.FreezeFs ? answer : Errno.Ok;
        Assert.Equal(-(long)expected, mounted.User.Freeze());
        Assert.False(mounted.Kernel.IsFrozen);
    }

    [Fact]
    public void Losing_the_device_of_fuseblk()
    {
        using var mounted = new Mounted(options: TwinOptions.V8 with { IsFuseBlk = true });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.Kernel.LoseDevice();
        mounted.Expect("F B(WB) 0+4096", "F SA(T)", "K I[U|A|WB] 0+100", "SYNCFS", "SHUTDOWN_FS 0");
    }

    [Fact]
    public void A_dead_server_leaves_cached_reads()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Kernel.Abort();
        byte[] back = new byte[100];
        Assert.Equal(100, mounted.User.Pread(fd, back, 0));
        Assert.Equal(Mounted.Bytes(100), back);
        Assert.Equal(-(long)Errno.ENOTCONN, mounted.User.Pwrite(fd, Mounted.Bytes(10), 0));
        Assert.Equal(-(long)Errno.ENOTCONN, mounted.User.Fstat(fd).Error);
        Assert.Equal(-(long)Errno.ENOTCONN, mounted.User.Fsync(fd));
        Assert.Equal(-(long)Errno.ENOTCONN, mounted.User.Close(fd));
    }

    [Fact]
    public void Swapping()
    {
        using var mounted = new Mounted();
        mounted.User.Close(mounted.Written("/f", 1 << 20));
        mounted.Quiet();
        long swap = mounted.User.SwapOn("/f");
        mounted.Expect("OPEN 0x8002", "FSYNC 1", "B(RPT|SWP) 0+1048576 -> M");
        long fd = mounted.User.Open("/f", OpenFlags.ReadWrite);
        Assert.Equal(-(long)Errno.ETXTBSY, mounted.User.Pwrite(fd, Mounted.Bytes(10), 0));
        mounted.User.Close(fd);
        mounted.Quiet();
        mounted.User.SwapOff("/f", swap);
        mounted.Expect("OPEN 0x8002", "I[SWAPOFF] 0+0", "FLUSH", "0 RELEASE", "FLUSH", "0 RELEASE");
    }

    [Fact]
    public void A_swap_file_with_a_hole_is_refused()
    {
        using var mounted = new Mounted(options: s_lenient);
        long fd = mounted.Create("/f");
        mounted.User.Ftruncate(fd, 1 << 20);
        mounted.User.Close(fd);
        mounted.User.Stat("/");
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EINVAL, mounted.User.SwapOn("/f"));
        mounted.Expect("OPEN 0x8002", "FSYNC 1", "B(RPT|SWP) 0+1048576 -> H", "I[SWAPOFF] err=-22 0+0", "FLUSH",
            "0 RELEASE");
    }

    [Fact]
    public void Bad_answers_to_begin_are_corruption()
    {
        foreach (Mischief mischief in new[] { Mischief.WrongNullAddress, Mischief.EmptyWriteSlot, Mischief.KernelFlagSet,
            Mischief.UnknownType, Mischief.PureOverwriteInReadSlot, Mischief.RetryWithoutCache })
        {
            using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = mischief }, s_lenient);
            long fd = mounted.Create("/f", OpenFlags.Direct);
            Assert.Equal(-(long)Errno.EUCLEAN, mounted.User.Ftruncate(fd, 8192));
        }
        using var shortReply = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.ShortBeginReply }, s_lenient);
        long file = shortReply.Create("/f", OpenFlags.Direct);
        Assert.Equal(-(long)Errno.EIO, shortReply.User.Pwrite(file, new byte[4096], 0));
    }

    /// <summary>A kernel that is asked of from the outside, before there is a mount.</summary>
    [Fact]
    public void An_unmounted_descriptor_cannot_be_read()
    {
        using var kernel = new TwinKernel(TwinOptions.V8);
        Assert.Equal(-(int)Errno.EPERM, kernel.Device.Read(new byte[1 << 21]));
        Assert.Equal(-(int)Errno.EINVAL, kernel.Device.Read(new byte[100]));
        Assert.Equal(-(int)Errno.EPERM, kernel.Device.Write(new byte[16]));
        using IFuseDevice clone = kernel.Device.Clone();
        Assert.Equal(-(int)Errno.EPERM, clone.Read(new byte[1 << 21]));
    }
}

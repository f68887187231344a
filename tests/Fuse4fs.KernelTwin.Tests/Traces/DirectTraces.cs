using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 6 of the recordings.</summary>
public sealed class DirectTraces
{
    [Fact]
    public void Writing_into_a_hole_and_over_it()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        mounted.User.Pwrite(fd, new byte[65536], 0);
        mounted.Expect("GX", "B(W|DIR) 0+65536 -> U 0+65536", "I[U|DIR|A] 0+65536");
        mounted.User.Pwrite(fd, new byte[4096], 8192);
        mounted.Expect("GX", "B(W|DIR) 8192+4096 -> M 0+65536");
    }

    [Fact]
    public void Writing_preallocated_blocks_inside_the_size()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.User.Fallocate(fd, 0, 0, 65536);
        mounted.Quiet();
        mounted.User.Pwrite(fd, new byte[4096], 4096);
        mounted.Expect("GX", "B(W|DIR) 4096+4096 -> U 0+65536", "I[U|DIR] 4096+4096");
    }

    [Fact]
    public void Dirty_pages_are_written_before()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192);
        long direct = mounted.User.Open("/f", OpenFlags.ReadWrite | OpenFlags.Direct);
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Pread(direct, new byte[4096], 0);
        mounted.Expect("B(WB) 0+4096 -> M", "B(DIR) 0+4096 -> M");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Pwrite(direct, new byte[4096], 0);
        mounted.Expect("GX", "B(WB) 0+4096 -> M", "B(W|DIR) 0+4096 -> M");
    }

    [Fact]
    public void Reading_across_the_end()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 20000, OpenFlags.Direct);
        mounted.User.Fallocate(fd, 1, 20480, 65536);
        mounted.Quiet();
        Assert.Equal(3616, mounted.User.Pread(fd, new byte[8192], 16384));
        mounted.Expect("B(DIR) 16384+8192 -> M 0+20480", "B(DIR) 20480+4096 -> U");
        Assert.Equal(0, mounted.User.Pread(fd, new byte[4096], 20480));
        mounted.Expect();
    }

    [Fact]
    public void A_gap_is_zeroed_before()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 65536, OpenFlags.Direct);
        mounted.User.Pwrite(fd, new byte[4096], 1 << 20);
        mounted.Expect("B(Z) 65536+983040 -> H", "GX", "B(W|DIR) 1048576+4096 -> U", "I[U|DIR|A] 1048576+4096");
    }

    [Fact]
    public void Many_answers_make_one_completion()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MostBlocks = 4, MostAnsweredBlocks = 4 });
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        mounted.User.Pwrite(fd, new byte[65536], 0);
        mounted.Expect("GX", "B(W|DIR) 0+65536", "B(W|DIR) 16384+49152", "B(W|DIR) 32768+32768", "B(W|DIR) 49152+16384",
            "I[U|DIR|A] 0+65536");
    }

    [Theory]
    [InlineData(3, "I[U|DIR|A] err=-28 0+32768")]
    [InlineData(1, "I[DIR] err=-28 0+0")]
    public void A_failed_begin_fails_the_whole_call(int failing, string completion)
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MostBlocks = 4, MostAnsweredBlocks = 4 });
        long fd = mounted.Create("/f", OpenFlags.Direct);
        int begins = 0;
        mounted.Server.Fault = (opcode, _) =>
            opcode == Opcode.IomapBegin && ++begins == failing ? Errno.ENOSPC : Errno.Ok;
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Pwrite(fd, new byte[65536], 0));
        Assert.Equal(completion, mounted.Lines()[^1]);
        Assert.Equal(0, mounted.User.Fstat(fd).Stat!.Size);
    }

    [Fact]
    public void Enosys_falls_back_to_buffered_io()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192, OpenFlags.Direct);
        mounted.Server.Fault = (opcode, body) => opcode == Opcode.IomapBegin
            && (WireBytes.Read<IomapWire.BeginIn>(body).OperationFlags & (uint)OperationFlags.Direct) != 0
            ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(4096, mounted.User.Pread(fd, new byte[4096], 0));
        mounted.Expect("B(DIR) 0+4096 => ENOSYS", "B(R) 0+8192 -> M");
        Assert.Equal(4096, mounted.User.Pwrite(fd, new byte[4096], 0));
        mounted.Expect("GX", "B(W|DIR) 0+4096 => ENOSYS", "I[DIR] err=-38 0+0", "GX", "B(W) 0+4096", "B(WB) 0+4096");
    }

    [Fact]
    public void Enosys_is_eio_when_the_server_wants_direct_io()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { OpenReply = OpenReplyFlags.DirectIo });
        long fd = mounted.Create("/f");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(-(long)Errno.EIO, mounted.User.Pwrite(fd, new byte[4096], 0));
    }

    [Fact]
    public void Misalignment()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192, OpenFlags.Direct);
        Assert.Equal(-(long)Errno.EINVAL, mounted.User.Pwrite(fd, new UserBuffer(new byte[4096], 4096, 1), 0));
        mounted.Expect("GX", "B(W|DIR) 0+4096", "I[DIR] err=-22 0+4096");
        Assert.Equal(-(long)Errno.EINVAL, mounted.User.Pwrite(fd, new byte[4096], 100));
        mounted.Expect("GX", "B(W|DIR) 100+4096", "E(W|DIR) 100+4096 w=0", "I[DIR] err=-22 100+0");
        Assert.Equal(-(long)Errno.EINVAL, mounted.User.Pread(fd, new byte[4096], 100));
        mounted.Expect("B(DIR) 100+4096");
    }

    [Fact]
    public void Less_than_a_block()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        Assert.Equal(512, mounted.User.Pwrite(fd, Mounted.Bytes(512), 2_097_152));
        mounted.Expect("B(Z) 0+2097152 -> H", "GX", "B(W|DIR) 2097152+512 -> U", "I[U|DIR|A] 2097152+512");
        byte[] block = new byte[4096];
        Assert.Equal(512, mounted.User.Pread(fd, block, 2_097_152));
        Assert.Equal(Mounted.Bytes(512), block[..512]);
        Assert.True(block.AsSpan(512).IndexOfAnyExcept((byte)0) < 0, "the rest of the block is not zero");
    }

    [Fact]
    public void A_fault_in_the_middle_of_the_buffer()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EFAULT, mounted.User.Pwrite(fd, new UserBuffer(new byte[8192], 4096), 0));
        mounted.Expect("GX", "B(W|DIR) 0+8192 -> U", "E(W|DIR) 0+8192 w=4096", "B(W|DIR) 4096+4096 -> U",
            "E(W|DIR) 4096+4096 w=0", "I[U|DIR|A] err=-14 0+4096");
    }

    [Fact]
    public void A_hole_is_an_error()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.HoleToDirectWrite },
            TwinOptions.V8 with { IsStrict = false });
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EIO, mounted.User.Pwrite(fd, new byte[4096], 0));
        mounted.Expect("GX", "B(W|DIR) 0+4096 -> H", "E(W|DIR) 0+4096 w=0", "I[DIR] err=-5 0+0");
    }

    [Fact]
    public void An_error_of_the_completion_is_the_result()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapIoend ? Errno.ENOSPC : Errno.Ok;
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Pwrite(fd, new byte[4096], 0));
        Assert.Equal(0, mounted.User.Fstat(fd).Stat!.Size);
    }

    [Fact]
    public void An_address_beyond_the_device()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.AddressBeyondDevice },
            TwinOptions.V8 with { IsStrict = false });
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EIO, mounted.User.Pwrite(fd, new byte[4096], 0));
        mounted.Expect("GX", "B(W|DIR) 0+4096 -> U", "I[U|DIR|A] err=-5 0+4096");
        long buffered = mounted.User.Open("/f", OpenFlags.ReadWrite);
        mounted.User.Pwrite(buffered, Mounted.Bytes(4096), 0);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EIO, mounted.User.Fsync(buffered));
        mounted.Expect("B(WB) 0+4096 -> U", "K I[U|A|WB] err=-5 0+4096");
        Assert.Equal(0, mounted.User.Fsync(buffered));
    }

    [Fact]
    public void Synchronous_direct_writes()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 4096, OpenFlags.Direct | OpenFlags.DataSync);
        mounted.User.Pwrite(fd, new byte[4096], 0);
        mounted.Expect("GX", "B(W|DIR) 0+4096 -> M", "SA(T)", "FSYNC 1");
    }

    [Fact]
    public void Asynchronous_writes_are_completed_by_a_worker()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Quiet();
        mounted.User.Pwrite(fd, new UserBuffer(new byte[4096]), 0, WriteFlags.Asynchronous);
        mounted.Expect("GX", "B(W|DIR) 0+4096 -> U", "A I[U|DIR|A] 0+4096");
    }

    [Fact]
    public void Waiting_is_not_refused_for_direct_reads()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 4096, OpenFlags.Direct);
        Assert.Equal(4096, mounted.User.Pread(fd, new byte[4096], 0, WriteFlags.NoWait));
        Assert.Equal(-(long)Errno.EAGAIN, mounted.User.Pwrite(fd, new UserBuffer(new byte[4096]), 0, WriteFlags.NoWait));
        mounted.Expect("B(DIR|NOWAIT) 0+4096 -> M");
    }

    [Fact]
    public void Atomic_writes_on_v8()
    {
        RefPolicy policy = RefPolicy.Recorded with { FileFlags = RefPolicy.Recorded.FileFlags | AttributeFlags.Atomic };
        using var mounted = new Mounted(policy);
        long fd = mounted.Written("/f", 4096, OpenFlags.Direct);
        Assert.Equal(-(long)Errno.EINVAL, Atomic(mounted, fd, 8192, 0));
        Assert.Equal(-(long)Errno.EINVAL, Atomic(mounted, fd, 4096, 512));
        mounted.Expect();
        Assert.Equal(4096, Atomic(mounted, fd, 4096, 0));
        mounted.Expect("GX", "B(W|DIR|ATOMIC) 0+4096 -> M");
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            answer.Read.Flags |= (ushort)MappingFlags.AtomicBio;
            return answer;
        };
        Assert.Equal(-(long)Errno.EINVAL, Atomic(mounted, fd, 4096, 0));
        Assert.Equal("I[DIR] err=-22 0+0", mounted.Lines()[^1]);
        long buffered = mounted.User.Open("/f", OpenFlags.ReadWrite);
        Assert.Equal(-(long)Errno.EOPNOTSUPP, Atomic(mounted, buffered, 4096, 0));
    }

    private static long Atomic(Mounted mounted, long fd, int length, long offset) =>
        mounted.User.Pwrite(fd, new UserBuffer(new byte[length]), offset, WriteFlags.Atomic);
}

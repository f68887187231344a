using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 5.1 of the recordings.</summary>
public sealed class BufferedWriteTraces
{
    [Fact]
    public void Writing_to_an_empty_file()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Expect("GX", "B(W) 0+100 -> U 0+4096", "E(W) 0+100 w=100 {U 0+4096 SC}");
    }

    [Fact]
    public void Appending_across_a_block()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100);
        mounted.User.Pwrite(fd, Mounted.Bytes(5000), 100);
        mounted.Expect("GX", "B(W) 100+5000 -> M 0+4096", "E(W) 100+3996 w=3996 {M 0+4096 SC}",
            "B(W) 4096+1004 -> U 4096+4096", "E(W) 4096+1004 w=1004 {U 4096+4096 SC}");
    }

    [Fact]
    public void A_server_that_allocates_in_pieces_is_asked_again()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MostBlocks = 1024 });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(8 << 20), 0);
        mounted.Expect("GX", "B(W) 0+8388608 -> U 0+4194304", "E(W) 0+4194304", "B(W) 4194304+4194304 -> U 0+8388608",
            "E(W) 4194304+4194304");
    }

    [Fact]
    public void A_whole_write_is_one_request()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, new byte[32 << 20], 0);
        Assert.Contains("B(W) 0+33554432", mounted.Lines()[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Overwriting_sends_no_end()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 100);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 200);
        mounted.Expect("GX", "B(W) 100+10 -> M 0+8192", "GX", "B(W) 200+10 -> M 0+8192");
    }

    [Fact]
    public void A_cached_mapping_is_not_asked_for()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true });
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pread(fd, new byte[10], 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 100);
        mounted.Expect("GX");
    }

    [Fact]
    public void A_gap_is_zeroed_first()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 5000);
        mounted.Expect("B(Z) 0+5000 -> H", "GX", "B(W) 5000+10 -> U 4096+4096", "E(W) 5000+10 w=10");
    }

    [Fact]
    public void A_dirty_unwritten_tail_is_written_back_and_asked_again()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(200), 0);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 50000);
        mounted.Expect("B(Z) 200+49800 -> U 0+4096", "B(WB) 0+4096 -> U 0+4096", "K I[U|A|WB] 0+200",
            "E(Z) 200+3896 w=0 {U 0+4096 STALE}", "B(Z) 200+49800 -> M 0+4096", "B(Z) 4096+45904 -> H", "GX",
            "B(W) 50000+10 -> U", "E(W) 50000+10 w=10");
    }

    [Fact]
    public void The_zeroed_tail_is_reported_up_to_its_block()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 300000);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 400000);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        Assert.Contains("K I[A|WB] 299008+4096", mounted.Lines());
    }

    [Fact]
    public void A_short_copy_gives_back_what_it_did_not_use()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Delays = true });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        Assert.Equal(4096, mounted.User.Pwrite(fd, new UserBuffer(Mounted.Bytes(8192), 4096), 0));
        mounted.Expect("GX", "B(W) 0+8192 -> D 0+8192", "E(W) 0+8192 w=4096 {D 0+8192 SC}", "B(W) 4096+4096 -> D",
            "E(W) 4096+4096 w=0");
    }

    [Fact]
    public void A_failed_first_begin_is_the_result()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapBegin ? Errno.ENOSPC : Errno.Ok;
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Pwrite(fd, Mounted.Bytes(100), 0));
        mounted.Expect("GX", "B(W) 0+100 => ENOSPC");
    }

    [Fact]
    public void A_failed_later_begin_makes_the_write_short()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { MostBlocks = 4 });
        long fd = mounted.Create("/f");
        int begins = 0;
        mounted.Server.Fault = (opcode, _) =>
            opcode == Opcode.IomapBegin && ++begins == 3 ? Errno.ENOSPC : Errno.Ok;
        mounted.Quiet();
        Assert.Equal(32768, mounted.User.Pwrite(fd, Mounted.Bytes(131072), 0));
        mounted.Expect("GX", "B(W) 0+131072", "E(W) 0+16384", "B(W) 16384+114688", "E(W) 16384+16384",
            "B(W) 32768+98304 => ENOSPC");
    }

    [Fact]
    public void An_error_of_end_is_ignored_and_enosys_ends_it()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapEnd ? Errno.EIO : Errno.Ok;
        Assert.Equal(100, mounted.User.Pwrite(fd, Mounted.Bytes(100), 0));
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapEnd ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(100, mounted.User.Pwrite(fd, Mounted.Bytes(100), 100));
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 200);
        mounted.Expect("GX", "B(W) 200+100 -> U");
    }

    [Fact]
    public void Wanting_an_end_has_no_effect()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 4096);
        mounted.Server.OnBegin = (_, _, answer) =>
        {
            answer.Read.Flags |= (ushort)MappingFlags.WantEnd;
            return answer;
        };
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        mounted.Expect("GX", "B(W) 0+10 -> M 0+4096 0x80");
    }

    [Fact]
    public void A_hole_for_a_write_is_accepted_and_the_data_is_dropped()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.HoleToBufferedWrite },
            TwinOptions.V8 with { IsStrict = false });
        long fd = mounted.Create("/f");
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        Assert.Equal(0, mounted.User.Fsync(fd));
        mounted.Expect("GX", "B(W) 0+100 -> H", "E(W) 0+100 w=100 {H", "B(WB) 0+4096 -> H", "SA(T)", "FSYNC 0");
        byte[] back = new byte[100];
        mounted.User.Pread(fd, back, 0);
        Assert.Equal(Mounted.Bytes(100), back);
    }

    [Fact]
    public void Flags_that_are_not_supported_send_nothing()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Quiet();
        var buffer = new UserBuffer(Mounted.Bytes(10));
        Assert.Equal(-(long)Errno.EOPNOTSUPP, mounted.User.Pwrite(fd, buffer, 0, Posix.WriteFlags.DontCache));
        Assert.Equal(-(long)Errno.EINVAL, mounted.User.Pwrite(fd, buffer, 0, Posix.WriteFlags.NoWait));
        mounted.Expect();
    }
}

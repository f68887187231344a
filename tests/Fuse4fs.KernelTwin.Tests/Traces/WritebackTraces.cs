using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Sections 5.2, 5.3, 5.5 and 5.6 of the recordings.</summary>
public sealed class WritebackTraces
{
    private static readonly RefPolicy s_delayed = RefPolicy.Recorded with { Delays = true };

    [Fact]
    public void An_unwritten_extent_is_asked_for_once()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, new byte[8 << 20], 0);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> U 0+8388608", "K I[U|A|WB] 0+8388608", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Pieces_that_are_converted_one_by_one_are_one_completion()
    {
        using var mounted = new Mounted(s_delayed with { ConvertsWholeExtents = false, MostAnsweredBlocks = 1 });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, new byte[1 << 20], 0);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        string[] lines = mounted.Lines();
        Assert.Equal(256, lines.Count(line => line.StartsWith("B(WB)", StringComparison.Ordinal)));
        Assert.Equal(["K I[U|A|WB] 0+1048576", "SA(T)", "FSYNC 0"], lines[^3..]);
    }

    [Fact]
    public void A_delayed_extent_that_is_converted_as_a_whole_is_asked_for_once()
    {
        using var mounted = new Mounted(s_delayed);
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, new byte[1 << 20], 0);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> U 0+1048576", "K I[U|A|WB] 0+1048576", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Overwriting_written_blocks_completes_in_silence()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100_000);
        foreach (long offset in new[] { 0L, 20480, 61440 })
        {
            mounted.User.Pwrite(fd, Mounted.Bytes(100), offset);
        }
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> M 0+102400", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void A_cached_mapping_is_used_until_its_completion()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Upserts = true });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 0);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("K I[U|A|WB] 0+4096", "SA(T)", "FSYNC 0");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 0);
        mounted.Expect("GX", "B(W) 0+4096 -> M 0+4096");
    }

    [Fact]
    public void A_cached_reservation_is_a_miss()
    {
        using var mounted = new Mounted(s_delayed with { Upserts = true });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(8192), 0);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> U 0+8192", "K I[U|A|WB] 0+8192", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void The_completion_is_clipped_to_the_size()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Fdatasync(fd);
        mounted.Expect("B(WB) 0+4096 -> U 0+4096", "K I[U|A|WB] 0+100", "SA(T)", "FSYNC 1");
        mounted.User.Fsync(fd);
        mounted.Expect("FSYNC 0");
    }

    [Fact]
    public void Written_and_unwritten_neighbours_are_two_completions()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100);
        mounted.User.Pwrite(fd, Mounted.Bytes(5000), 100);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 0+4096 -> M 0+4096", "B(WB) 4096+4096 -> U 4096+4096", "K I[A|WB] 0+4096",
            "K I[U|A|WB] 4096+1004", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void A_long_run_is_split()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, new byte[30 << 20], 0);
        mounted.Quiet();
        mounted.Kernel.FlushInBackground();
        string[] lines = mounted.Lines();
        Assert.Equal("F SA(T)", lines[1]);
        Assert.Equal(["K I[U|A|WB] 0+12582912", "K I[U|A|WB] 12582912+12582912", "K I[U|A|WB] 25165824+6291456"],
            lines[2..]);
    }

    [Fact]
    public void Out_of_place_writes_name_the_new_blocks()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 4096);
        mounted.Server.OnBegin = (_, begin, answer) =>
        {
            if (mounted.Options.Revision.DecodeOperation(begin.OperationFlags) is OperationFlags.Write
                or OperationFlags.Writeback)
            {
                answer.Write = answer.Read;
                answer.Write.Address = 32 << 20;
                answer.Write.Flags = (ushort)MappingFlags.Shared;
            }
            return answer;
        };
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.User.Fsync(fd);
        mounted.Expect("GX", "B(W) 0+100 -> M 0+4096 / M 0+4096", "B(WB) 0+4096", "K I[SHARED|WB] 0+4096", "SA(T)",
            "FSYNC 0");
        byte[] old = new byte[4096];
        byte[] data = new byte[4096];
        mounted.Volume.Storage.Read(16 * 4096, old);
        mounted.Volume.Storage.Read(32 << 20, data);
        Assert.Equal(Mounted.Bytes(4096), old);
        Assert.Equal(Mounted.Bytes(4096)[100..], data[100..]);
    }

    [Fact]
    public void Close_writes_everything()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        long second = mounted.User.Open("/f", Files.OpenFlags.ReadOnly);
        mounted.Quiet();
        mounted.User.Close(second);
        mounted.Expect("B(WB) 0+4096", "K I[U|A|WB] 0+100", "SA(T)", "FLUSH", "0 RELEASE");
        mounted.User.Close(fd);
        mounted.Expect("FLUSH", "0 RELEASE");
    }

    [Fact]
    public void Syncing_the_file_system_sends_times_before_completions()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Syncfs();
        mounted.Expect("F B(WB) 0+4096", "F SA(T)", "K I[U|A|WB] 0+100", "SYNCFS");
        mounted.User.Syncfs();
        mounted.Expect("SYNCFS");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.SyncFileRange(fd, 0, 4096);
        mounted.Expect("B(WB) 0+4096 -> M");
    }

    [Fact]
    public void Changing_attributes_flushes_first()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Quiet();
        mounted.User.Chmod("/f", 0x180);
        mounted.Expect("GETATTR", "B(WB) 0+4096", "K I[U|A|WB] 0+100", "SA(T)", "SA(0x401) mode 0100600");
    }

    [Fact]
    public void Failed_times_are_not_sent_again_and_errors_of_fsync_are_returned()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Setattr ? Errno.ENOSPC : Errno.Ok;
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Fsync(fd));
        mounted.Expect("B(WB)", "K I[U|A|WB] 0+100", "SA(T) => ENOSPC");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Fsync ? Errno.EIO : Errno.Ok;
        Assert.Equal(-(long)Errno.EIO, mounted.User.Fsync(fd));
        mounted.Expect("FSYNC 0 => EIO");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.Fsync ? Errno.ENOSYS : Errno.Ok;
        Assert.Equal(0, mounted.User.Fsync(fd));
        mounted.Quiet();
        Assert.Equal(0, mounted.User.Fsync(fd));
        mounted.Expect();
    }

    [Fact]
    public void Synchronous_files_sync_each_write()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", Files.OpenFlags.DataSync);
        mounted.Quiet();
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Expect("GX", "B(W) 0+100", "E(W) 0+100", "B(WB) 0+4096", "K I[U|A|WB] 0+100", "SA(T)", "FSYNC 1");
    }

    [Fact]
    public void A_size_that_only_end_told_is_never_reported_again()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.SizeChangedIgnored },
            TwinOptions.V8 with { IsStrict = false });
        long fd = mounted.Written("/f", 100);
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 100);
        Assert.Equal(200, mounted.User.Fstat(fd).Stat!.Size);
        mounted.User.Fsync(fd);
        mounted.User.Close(fd);
        mounted.Expect("GX", "B(W) 100+100 -> M", "E(W) 100+100 w=100 {M 0+4096 SC}", "GETATTR",
            "B(WB) 0+4096 -> M", "SA(T)", "FSYNC 0", "FLUSH", "0 RELEASE");
        Assert.Equal(100, mounted.Volume.Nodes.Values.Single(node => node.IsRegular).Size);
    }

    [Fact]
    public void A_newsize_of_zero_makes_later_completions_appends()
    {
        using var mounted = new Mounted(RefPolicy.Recorded with { Mischief = Mischief.IoendAnswersZero },
            TwinOptions.V8 with { IsStrict = false });
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.User.Fsync(fd);
        mounted.Expect("GX", "B(W) 0+100 -> M", "B(WB) 0+4096 -> M", "K I[A|WB] 0+4096", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void Ioend_is_not_sent_again_after_enosys()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapIoend ? Errno.ENOSYS : Errno.Ok;
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.User.Fsync(fd);
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 4096);
        mounted.Quiet();
        mounted.User.Fsync(fd);
        mounted.Expect("B(WB) 4096+4096 -> U", "SA(T)", "FSYNC 0");
    }

    [Fact]
    public void An_error_answered_to_a_completion_is_lost()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.Server.Fault = (opcode, _) => opcode == Opcode.IomapIoend ? Errno.ENOSPC : Errno.Ok;
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        Assert.Equal(0, mounted.User.Fsync(fd));
        Assert.Equal(0, mounted.User.Close(fd));
    }

    [Fact]
    public void A_failed_page_takes_the_pending_run_with_it()
    {
        using var mounted = new Mounted(s_delayed with { ConvertsWholeExtents = false, MostAnsweredBlocks = 1 });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(65536), 0);
        FailWriteback(mounted, 20480);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Fsync(fd));
        string[] before = [.. Enumerable.Range(0, 5).Select(index => $"B(WB) {index * 4096}+4096 -> U")];
        string[] after = [.. Enumerable.Range(6, 10).Select(index => $"B(WB) {index * 4096}+4096 -> U")];
        mounted.Expect([.. before, "B(WB) 20480+4096 => ENOSPC", "I[A] err=-28 20480+4096", .. after,
            "K I[U|A|WB] 0+20480", "K I[U|A|WB] err=-28 24576+40960"]);
        mounted.Server.Fault = null;
        Assert.Equal(0, mounted.User.Fsync(fd));
    }

    [Theory]
    [InlineData(0, new[] { "I[] err=-28 0+4096", "K I[U|WB] 16384+4096", "K I[U|WB] err=-28 32768+4096" })]
    [InlineData(32768, new[] { "K I[U|WB] 0+4096", "I[] err=-28 32768+4096", "K I[U|WB] err=-28 16384+4096" })]
    public void Which_run_is_lost_depends_on_the_order(long failing, string[] completions)
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Fallocate(fd, 0, 0, 65536);
        mounted.User.Fsync(fd);
        foreach (long offset in new[] { 0L, 16384, 32768 })
        {
            mounted.User.Pwrite(fd, Mounted.Bytes(4096), offset);
        }
        FailWriteback(mounted, failing, splits: true);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Fsync(fd));
        Assert.Equal(completions.Order(), mounted.Lines()
            .Where(line => line.Contains("I[", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public void The_flusher_loses_only_the_page()
    {
        using var mounted = new Mounted(s_delayed with { ConvertsWholeExtents = false, MostAnsweredBlocks = 1 });
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(65536), 0);
        FailWriteback(mounted, 20480);
        mounted.Quiet();
        mounted.User.Syncfs();
        string[] lines = mounted.Lines();
        Assert.Contains("F I[A] err=-28 20480+4096", lines);
        Assert.Contains("K I[U|A|WB] 24576+40960", lines);
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Fsync(fd));
        Assert.Equal(0, mounted.User.Fsync(fd));
    }

    [Fact]
    public void A_close_that_fails_sends_no_flush()
    {
        using var mounted = new Mounted(s_delayed);
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(4096), 0);
        FailWriteback(mounted, 0);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.ENOSPC, mounted.User.Close(fd));
        mounted.Expect("B(WB) 0+4096 => ENOSPC", "I[A] err=-28 0+4096", "SA(T)", "0 RELEASE");
    }

    /// <summary>BEGIN(WRITEBACK) at one position is answered ENOSPC.</summary>
    private static void FailWriteback(Mounted mounted, long position, bool splits = false)
    {
        mounted.Server.Fault = (opcode, body) =>
        {
            IomapWire.BeginIn begin = WireBytes.Read<IomapWire.BeginIn>(body);
            return opcode == Opcode.IomapBegin && begin.Position == (ulong)position
                && mounted.Options.Revision.DecodeOperation(begin.OperationFlags) == OperationFlags.Writeback
                ? Errno.ENOSPC : Errno.Ok;
        };
        if (splits)
        {
            mounted.Server.OnBegin = (_, begin, answer) => Cut(begin, answer);
        }
    }

    private static IomapWire.BeginOut? Cut(in IomapWire.BeginIn begin, IomapWire.BeginOut answer)
    {
        ulong block = begin.Position / 4096 * 4096;
        answer.Read.Address += block - answer.Read.Offset;
        (answer.Read.Offset, answer.Read.Length) = (block, 4096);
        (answer.Write.Offset, answer.Write.Length) = (block, 4096);
        return answer;
    }
}

using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Posix;
using Fuse4fs.KernelTwin.Tests.Reference;
using Fuse4fs.KernelTwin.Wire;
using Xunit;

namespace Fuse4fs.KernelTwin.Tests.Traces;

/// <summary>Section 14 of the recordings: callers at once, and callers that die.</summary>
public sealed class ConcurrencyTraces
{
    [Fact]
    public void Fsync_runs_beside_a_write_and_a_second_write_waits()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192);
        mounted.User.Pwrite(fd, Mounted.Bytes(10), 0);
        PosixDriver other = mounted.Kernel.Process();
        long second = other.Open("/f", OpenFlags.ReadWrite);
        Hold(mounted, OperationFlags.Write);
        mounted.Quiet();
        Task<long> first = Start(mounted, () => mounted.User.Process.Pwrite((int)fd, Mounted.Bytes(10), 100));
        Task<long> waiting = Start(mounted, () => other.Process.Pwrite((int)second, Mounted.Bytes(10), 200));
        Assert.Equal(0, mounted.User.Fsync(fd));
        mounted.Expect("GX", "B(W) 100+10", "B(WB) 0+4096 -> M", "SA(T)", "FSYNC 0");
        Assert.False(first.IsCompleted || waiting.IsCompleted);
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Kernel.Settle();
        Assert.True(first.IsCompleted && waiting.IsCompleted);
        mounted.Expect("GX", "B(W) 200+10 -> M");
    }

    [Fact]
    public void Chmod_waits_for_a_write()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 8192);
        Hold(mounted, OperationFlags.Write);
        Task<long> write = Start(mounted, () => mounted.User.Process.Pwrite((int)fd, Mounted.Bytes(10), 100));
        Task<long> chmod = Start(mounted, () => mounted.User.Process.Chmod("/f", 0x180));
        mounted.Expect("GX", "B(W) 100+10");
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Kernel.Settle();
        Assert.True(write.IsCompleted && chmod.IsCompleted);
        mounted.Expect("B(WB) 0+4096 -> M", "SA(T)", "SA(0x401) mode 0100600");
    }

    [Fact]
    public void Reads_run_beside_each_other_and_wait_for_a_truncate()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 100_000);
        Hold(mounted, OperationFlags.None);
        Start(mounted, () => mounted.User.Process.Pread((int)fd, new byte[10], 40960));
        Start(mounted, () => mounted.User.Process.Pread((int)fd, new byte[10], 81920));
        mounted.Expect("B(R) 40960+4096", "B(R) 81920+4096");
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Quiet();
        mounted.Server.Postpones = (opcode, _) => opcode == Opcode.Setattr;
        Start(mounted, () => mounted.User.Process.Ftruncate((int)fd, 4096 * 20));
        mounted.Lines();
        Task<long> read = Start(mounted, () => mounted.User.Process.Pread((int)fd, new byte[10], 8192));
        (long error, TwinStat? stat) = mounted.User.Fstat(fd);
        Assert.Equal((0, 4096 * 20), (error, stat!.Size));
        Assert.False(read.IsCompleted);
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Kernel.Settle();
        Assert.True(read.IsCompleted);
    }

    [Fact]
    public void A_page_under_writeback_can_be_written_again()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Server.Postpones = (opcode, _) => opcode == Opcode.IomapIoend;
        mounted.Quiet();
        Task<long> fsync = Start(mounted, () => mounted.User.Process.Fsync((int)fd));
        Assert.Equal(10, mounted.User.Pwrite(fd, Mounted.Bytes(10), 0));
        mounted.Expect("B(WB) 0+4096", "K I[U|A|WB] 0+100", "GX", "B(W) 0+10");
        Assert.False(fsync.IsCompleted);
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Kernel.Settle();
        Assert.True(fsync.IsCompleted);
    }

    [Fact]
    public void The_end_of_a_killed_writer_is_lost()
    {
        using var mounted = new Mounted();
        PosixDriver victim = mounted.Kernel.Process();
        long fd = victim.Open("/f", OpenFlags.ReadWrite | OpenFlags.Create);
        mounted.Kernel.Faults.KillSender = entry => entry.Request.StartsWith("B(W)", StringComparison.Ordinal);
        mounted.Quiet();
        victim.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Expect("GX", "B(W) 0+100 -> U", "0 INTERRUPT");
        mounted.Kernel.Faults.KillSender = null;
        victim.Close(fd);
        mounted.Expect("B(WB) 0+4096", "K I[U|A|WB] 0+100", "SA(T)", "FLUSH", "0 RELEASE");
    }

    [Fact]
    public void A_killed_fsync_writes_the_page_and_no_more()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f");
        mounted.User.Pwrite(fd, Mounted.Bytes(100), 0);
        mounted.Kernel.Faults.KillSender = entry => entry.Request.StartsWith("B(WB)", StringComparison.Ordinal);
        mounted.Quiet();
        Assert.Equal(-(long)Errno.EINTR, mounted.User.Fsync(fd));
        mounted.Expect("B(WB) 0+4096", "0 INTERRUPT", "K I[U|A|WB] 0+100");
    }

    [Fact]
    public void A_killed_direct_write_is_completed()
    {
        using var mounted = new Mounted();
        long fd = mounted.Create("/f", OpenFlags.Direct);
        mounted.Kernel.Faults.KillSender = entry => entry.Request.StartsWith("B(W|DIR)", StringComparison.Ordinal);
        mounted.Quiet();
        mounted.User.Pwrite(fd, new byte[4096], 0);
        mounted.Expect("GX", "B(W|DIR) 0+4096 -> U", "0 INTERRUPT", "I[U|DIR|A] 0+4096");
    }

    [Fact]
    public void What_was_not_read_is_withdrawn()
    {
        using var mounted = new Mounted();
        long fd = mounted.Written("/f", 4096);
        int read = 0;
        mounted.Server.Postpones = (opcode, _) => opcode == Opcode.IomapBegin && read++ >= 0;
        Task<long> waiting = Start(mounted, () => mounted.User.Process.Pread((int)fd, new byte[10], 0));
        Assert.False(waiting.IsCompleted);
        mounted.User.Process.Kill();
        mounted.Server.Postpones = null;
        mounted.Server.Resume();
        mounted.Kernel.Settle();
        Assert.True(waiting.IsCompleted);
        Assert.Contains("0 INTERRUPT", mounted.Lines());
    }

    private static Task<long> Start(Mounted mounted, Func<Task<long>> call)
    {
        Task<long> task = mounted.Kernel.Scheduler.Run(() => Task.FromResult(call()));
        mounted.Kernel.Settle();
        return task;
    }

    private static void Hold(Mounted mounted, OperationFlags operation) =>
        mounted.Server.Postpones = (opcode, body) => opcode == Opcode.IomapBegin && mounted.Options.Revision
            .DecodeOperation(WireBytes.Read<IomapWire.BeginIn>(body).OperationFlags) == operation;
}

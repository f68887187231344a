using Fuse4fs.Ext4.Format;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Posix;
using Xunit;
using OpenFlags = Fuse4fs.KernelTwin.Files.OpenFlags;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>Processes that have the same file open, and do not know of each other.</summary>
public sealed class VolumeSharingTests
{
    /// <summary>One process syncs or closes, and has nothing left to write; another one appends just then, to a block that
    /// was written before. Its size is on disk when its data is, and not before.</summary>
    [Theory]
    [InlineData("v8", true)]
    [InlineData("v8", false)]
    [InlineData("v9", true)]
    [InlineData("v9", false)]
    public void A_size_is_not_stored_before_its_data(string revision, bool closes)
    {
        using var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096");
        byte[] data = Bench.Bytes(200, 1);
        long fd = bench.Bench.Create("/shared");
        bench.Bench.Write(fd, data[..100], 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        PosixDriver other = bench.Bench.Kernel.Process();
        int appending = (int)other.Open("/shared", OpenFlags.ReadWrite);
        bench.Bench.Write(fd, data[..10], 0);
        var atTimes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bench.Bench.Kernel.Faults.HoldReply = entry =>
        {
            bool holds = entry.ToString().Contains("SA(", StringComparison.Ordinal) && atTimes.TrySetResult();
            return holds;
        };
        bench.Bench.Kernel.RunTogether(
            async () => Bench.Equal(0, await (closes
                ? bench.Bench.User.Process.Close((int)fd)
                : bench.Bench.User.Process.Fsync((int)fd)), closes ? "close" : "fsync"),
            async () =>
            {
                await atTimes.Task;
                Bench.Equal(100, await other.Process.Pwrite(appending, data.AsMemory(100), 100), "append");
                bench.Bench.Kernel.ReleaseReplies();
            });
        bench.Bench.Kernel.Faults.HoldReply = null;
        Assert.Equal(100, StoredSize(bench));
        Bench.Equal(0, other.Fsync(appending), "fsync of the other");
        Assert.Equal(200, StoredSize(bench));
        other.Close(appending);
        if (!closes)
        {
            bench.Bench.User.Close(fd);
        }
        bench.Bench.Remount();
        bench.Bench.Holds("/shared", data);
        bench.Finish();
    }

    private static long StoredSize(VolumeBench bench)
    {
        Assert.Equal(Linux.Errno.Ok, bench.Volume.Lookup(InodeNumber.Root, "shared"u8, out InodeNumber number));
        Assert.Equal(Linux.Errno.Ok, bench.Volume.GetDelegatedSize(number, out long size));
        return size;
    }
}

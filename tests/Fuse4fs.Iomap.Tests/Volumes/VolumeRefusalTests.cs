using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Iomap.Tests.Twin;
using Fuse4fs.KernelTwin;
using Fuse4fs.KernelTwin.Conformance;
using Fuse4fs.KernelTwin.Wire;
using Serilog.Core;
using Xunit;
using Errno = Fuse4fs.KernelTwin.Wire.Errno;
using NotifyCode = Fuse4fs.KernelTwin.Wire.NotifyCode;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>The kernel does not drop what it keeps of a file's mappings: then the map must not change.</summary>
public sealed class VolumeRefusalTests
{
    private const int Block = 4096;
    private const int KeepSize = 1, PunchHole = 2;

    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void What_the_kernel_keeps_is_not_taken_away(string revision)
    {
        using VolumeBench bench = Make(revision, out long fd, out byte[] data);
        bench.Bench.Kernel.Faults.OnNotification = static (code, _) =>
            code == NotifyCode.InvalMappings ? Errno.ENOMEM : Errno.Ok;
        ulong free = bench.Volume.Statistics().FreeBlocks;
        Bench.Equal(-(long)Errno.ENOMEM, bench.Bench.User.Fallocate(fd, KeepSize | PunchHole, Block, 8 * Block), "punch");
        Assert.Equal(free, bench.Volume.Statistics().FreeBlocks);
        Bench.Equal(-(long)Errno.ENOMEM, bench.Bench.User.Ftruncate(fd, 2 * Block), "ftruncate");
        Assert.Equal(free, bench.Volume.Statistics().FreeBlocks);
        bench.Bench.Kernel.Faults.OnNotification = null;
        Bench.Equal(0, bench.Bench.User.Ftruncate(fd, 2 * Block), "ftruncate");
        bench.Bench.User.Close(fd);
        bench.Bench.Holds("/file", data[..(2 * Block)]);
        bench.Finish();
    }

    /// <summary>Dropping a piece out of the middle of a mapping takes memory; dropping all of a file's does not.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void Everything_is_dropped_where_a_piece_cannot_be(string revision)
    {
        using VolumeBench bench = Make(revision, out long fd, out byte[] data);
        int asked = 0;
        bench.Bench.Kernel.Faults.OnNotification = (code, _) =>
            code == NotifyCode.InvalMappings && asked++ == 0 ? Errno.ENOMEM : Errno.Ok;
        Bench.Equal(0, bench.Bench.User.Fallocate(fd, KeepSize | PunchHole, Block, 8 * Block), "punch");
        Assert.Equal(2, asked);
        bench.Bench.Kernel.Faults.OnNotification = null;
        data.AsSpan(Block, 8 * Block).Clear();
        bench.Bench.User.Close(fd);
        bench.Bench.Holds("/file", data);
        bench.Finish();
    }

    /// <summary>No kernel was seen to let COLLAPSE_RANGE through; one that does must not go on with what it had kept of all
    /// that moved.</summary>
    [Theory]
    [InlineData("v8")]
    [InlineData("v9")]
    public void What_moved_is_not_kept(string revision)
    {
        const uint collapse = 8;
        using VolumeBench bench = Make(revision, out long fd, out byte[] data);
        Assert.Equal(Linux.Errno.Ok, bench.Volume.Lookup(InodeNumber.Root, "file"u8, out InodeNumber number));
        var request = new FallocateIn { Mode = collapse, Offset = 2 * Block, Length = 3 * Block };
        byte[] message = QueueKernel.Request(Fuse.Wire.Opcode.Fallocate, 1, Server.NodeIds.OfInode(number),
            MemoryMarshal.AsBytes(new ReadOnlySpan<FallocateIn>(in request)));
        var dispatcher = new RequestDispatcher(bench.Requests, Logger.None);
        using (var reply = new ReplyBuffer(1 << 16))
        using (var kernel = new QueueKernel())
        {
            dispatcher.Dispatch(message, reply, kernel, 0, new OperationCounters());
            Assert.Equal(Linux.Errno.Ok, kernel.ErrorOf(1));
        }
        _ = bench.Bench.Kernel.Trace.Take();
        bench.Bench.User.DropCache(fd);
        byte[] found = new byte[Block];
        Bench.Equal(Block, bench.Bench.User.Pread(fd, found, 8 * Block), "read");
        Assert.Equal(1, VolumeBench.Count(bench.Bench.Kernel.Trace.Take(), "B(R)"));
        Assert.Equal(data.AsSpan(11 * Block, Block).ToArray(), found);
        // The twin does not know that the file is shorter now: it goes without being asked.
    }

    private static VolumeBench Make(string revision, out long fd, out byte[] data)
    {
        var bench = new VolumeBench(revision == "v8" ? TwinOptions.V8 : TwinOptions.V9, "-t ext4 -b 4096");
        data = Bench.Bytes(16 * Block, 1);
        fd = bench.Bench.Create("/file");
        bench.Bench.Write(fd, data, 0);
        Bench.Equal(0, bench.Bench.User.Fsync(fd), "fsync");
        bench.Bench.User.Close(fd);
        Bench.Equal(0, bench.Bench.User.Syncfs(), "syncfs");
        fd = bench.Bench.Open("/file");      // its map goes to the kernel
        return bench;
    }
}

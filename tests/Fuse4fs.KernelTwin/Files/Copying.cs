using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>copy_file_range(2) by the server. Section 8.6, traces 8. The caller holds the destination's lock.</summary>
internal sealed class Copying(TwinKernel kernel)
{
    private const int CopyOutBytes = 8;
    private const int WriteOutBytes = 8;
    private bool _wideIsUnknown;
    private bool _isUnknown;

    /// <returns>Bytes copied; EOPNOTSUPP: the kernel copies by itself.</returns>
    public async Task<(long Copied, Errno Error)> Run(Caller caller, OpenFile source, long from, OpenFile target, long to,
        long length)
    {
        if (_isUnknown)
        {
            return (0, Errno.EOPNOTSUPP);
        }
        Errno error = await kernel.Writeback.Write(caller, source.Inode, from, from + length, waits: true);
        error = error != Errno.Ok ? error : await kernel.Privileges.Strip(caller, target.Inode);
        error = error != Errno.Ok ? error
            : await kernel.Writeback.Write(caller, target.Inode, to, to + length, waits: true);
        if (error != Errno.Ok)
        {
            return (0, error);
        }
        DropPages(target.Inode, to, to + length);
        kernel.Attributes.TouchModified(target.Inode);
        (long copied, error) = await Ask(caller, source, from, target, to, length);
        if (error == Errno.Ok)
        {
            Finish(target.Inode, to, copied);
        }
        if (kernel.Quirks.TimesFollowFallocate)
        {
            await kernel.Attributes.FlushTimes(caller, target.Inode);
        }
        return (copied, error);
    }

    private async Task<(long Copied, Errno Error)> Ask(Caller caller, OpenFile source, long from, OpenFile target, long to,
        long length)
    {
        var body = new FileWire.CopyIn
        {
            HandleIn = source.Handle,
            OffsetIn = (ulong)from,
            NodeIdOut = target.Inode.NodeId,
            HandleOut = target.Handle,
            OffsetOut = (ulong)to,
            Length = (ulong)length,
        };
        if (!_wideIsUnknown)
        {
            Reply wide = await kernel.Connection.Call(caller, Opcode.CopyFileRange64, source.Inode.NodeId,
                WireBytes.Of(body), new ReplyForm(CopyOutBytes), $"CFR64 {from}+{length} to {to}");
            if (wide.Error != Errno.ENOSYS)
            {
                return wide.IsOk ? ((long)wide.As<FileWire.CopyOut>().BytesCopied, Errno.Ok) : (0, Fallback(wide.Error));
            }
            _wideIsUnknown = true;
        }
        Reply reply = await kernel.Connection.Call(caller, Opcode.CopyFileRange, source.Inode.NodeId, WireBytes.Of(body),
            new ReplyForm(WriteOutBytes), $"CFR47 {from}+{length} to {to}");
        _isUnknown = reply.Error == Errno.ENOSYS;
        return reply.IsOk ? (reply.As<FileWire.WriteOut>().Size, Errno.Ok) : (0, Fallback(reply.Error));
    }

    private static Errno Fallback(Errno error) =>
        error is Errno.ENOSYS or Errno.EXDEV ? Errno.EOPNOTSUPP : error;

    private void Finish(Inode inode, long to, long copied)
    {
        long block = kernel.Config.BlockSize;
        long end = to + copied;
        inode.Mappings?.Remove(to / block * block, (end + block - 1) / block * block);
        DropPages(inode, to, end);
        inode.Size = Math.Max(inode.Size, end);
        inode.DiskSize = Math.Max(inode.DiskSize, end);
        inode.Told.Size = Math.Max(inode.Told.Size, end);
        inode.Told.Written.Remove(to / block * block, (end + block - 1) / block * block);
        inode.BlocksAreStale();
    }

    private static void DropPages(Inode inode, long from, long to)
    {
        long size = inode.Pages.PageSize;
        inode.Pages.Drop(from / size * size, (to + size - 1) / size * size);
    }
}

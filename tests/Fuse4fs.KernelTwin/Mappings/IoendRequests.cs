using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>IOMAP_IOEND and what follows from its answer. Section 6.4.</summary>
internal sealed class IoendRequests(TwinKernel kernel)
{
    private const IoendFlags Notable = IoendFlags.Shared | IoendFlags.Unwritten | IoendFlags.Append;
    private const int IoendOutBytes = 8;
    private bool _isUnknown;

    /// <summary>A range of a file has been written, or has failed.</summary>
    /// <param name="address">new_addr as it goes out.</param>
    public async Task<Errno> Send(Caller caller, Inode inode, IoendFlags flags, Errno error, long position, long written,
        ulong address, uint device)
    {
        bool isSwapOff = (flags & IoendFlags.SwapOff) != 0;
        long end = position + written;
        if (!isSwapOff && end > inode.DiskSize && written > 0)
        {
            flags |= IoendFlags.Append;
        }
        bool isWanted = isSwapOff || error != Errno.Ok || (written > 0 && (flags & Notable) != 0);
        if (!isWanted || (_isUnknown && (!isSwapOff || kernel.Quirks.SwapOffIsSuppressed)))
        {
            AfterSuccess(inode, error, isSwapOff, position, written);
            return Errno.Ok;
        }
        var ioend = new IomapWire.IoendIn
        {
            Flags = (uint)flags,
            Error = -(int)error,
            AttrIno = inode.AttrIno,
            Position = (ulong)position,
            NewAddress = address,
            Written = (ulong)written,
            Device = device,
        };
        string failed = error == Errno.Ok ? "" : $" err=-{(int)error}";
        Reply reply = await kernel.Connection.Call(caller, Opcode.IomapIoend, inode.NodeId, WireBytes.Of(ioend),
            new ReplyForm(IoendOutBytes), $"I[{Notation.Of(flags)}]{failed} {position}+{written}", CallKind.Forced);
        if (reply.Error == Errno.ENOSYS)
        {
            _isUnknown = true;
            AfterSuccess(inode, error, isSwapOff, position, written);
            return Errno.Ok;
        }
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        if (!isSwapOff)
        {
            Finish(inode, error, flags, position, written, (long)reply.As<IomapWire.IoendOut>().NewSize);
        }
        return Errno.Ok;
    }

    private void Finish(Inode inode, Errno error, IoendFlags flags, long position, long written, long newSize)
    {
        long end = position + written;
        if (error == Errno.Ok)
        {
            if (newSize < end)
            {
                kernel.Rules.Report(RuleBook.NewSize, $"node {inode.NodeId}: newsize {newSize} after {position}+{written}");
            }
            inode.Told.Size = Math.Max(inode.Told.Size, end);
            if ((flags & (IoendFlags.Unwritten | IoendFlags.Shared)) != 0)
            {
                int block = kernel.Config.BlockSize;
                inode.Told.Written.Add(position / block * block, RoundUp(end, block), kernel.NextStamp());
            }
        }
        inode.DiskSize = kernel.Quirks.NewSizeIsAssigned ? newSize : Math.Max(inode.DiskSize, newSize);
        inode.BlocksAreStale();
        inode.Mappings?.Remove(position / kernel.Config.BlockSize * kernel.Config.BlockSize,
            RoundUp(end, kernel.Config.BlockSize));
    }

    private void AfterSuccess(Inode inode, Errno error, bool isSwapOff, long position, long written)
    {
        if (error == Errno.Ok && !isSwapOff && _isUnknown)
        {
            inode.DiskSize = Math.Max(inode.DiskSize, position + written);
        }
    }

    private static long RoundUp(long value, int unit) => (value + unit - 1) / unit * unit;
}

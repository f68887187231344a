using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>fallocate(2). Section 8.7, traces 8 and 17-9. The caller holds the inode's lock.</summary>
internal sealed class Fallocation(TwinKernel kernel)
{
    public const int KeepSize = 1;
    public const int PunchHole = 2;
    public const int ZeroRange = 0x10;
    private bool _isUnknown;

    public async Task<Errno> Run(Caller caller, OpenFile file, int mode, long offset, long length)
    {
        bool isAllowed = (mode & ~(KeepSize | PunchHole | ZeroRange)) == 0
            && ((mode & PunchHole) == 0 || mode == (PunchHole | KeepSize));
        if (_isUnknown || !isAllowed)
        {
            return Errno.EOPNOTSUPP;
        }
        Inode inode = file.Inode;
        await inode.InvalidateLock.EnterExclusive();
        try
        {
            return await Change(caller, file, mode, offset, length);
        }
        finally
        {
            inode.InvalidateLock.ExitExclusive();
        }
    }

    private async Task<Errno> Change(Caller caller, OpenFile file, int mode, long offset, long length)
    {
        Inode inode = file.Inode;
        long end = offset + length;
        bool clears = (mode & (PunchHole | ZeroRange)) != 0;
        await inode.DirectIo.WaitForNone();
        if (clears)
        {
            Errno flushed = await DropPages(caller, inode, offset, end);
            if (flushed != Errno.Ok)
            {
                return flushed;
            }
        }
        Errno error = await kernel.Privileges.Strip(caller, inode);
        if (error != Errno.Ok)
        {
            return error;
        }
        kernel.Attributes.TouchModified(inode);
        error = await Ask(caller, file, mode, offset, length);
        bool grows = (mode & KeepSize) == 0 && end > inode.Size;
        if (error == Errno.Ok)
        {
            error = await Finish(caller, inode, clears, grows, offset, end);
        }
        if (kernel.Quirks.TimesFollowFallocate)
        {
            Errno times = await kernel.Attributes.FlushTimes(caller, inode);
            error = error == Errno.Ok ? times : error;
        }
        return error;
    }

    private async Task<Errno> Ask(Caller caller, OpenFile file, int mode, long offset, long length)
    {
        Inode inode = file.Inode;
        int block = kernel.Config.BlockSize;
        if ((mode & (PunchHole | ZeroRange)) != 0)
        {
            inode.Told.Written.Remove((offset + block - 1) / block * block, (offset + length) / block * block);
        }
        var body = new FileWire.FallocateIn
        {
            Handle = file.Handle,
            Offset = (ulong)offset,
            Length = (ulong)length,
            Mode = (uint)mode,
        };
        inode.Told.Changing++;
        Reply reply = await kernel.Connection.Call(caller, Opcode.Fallocate, inode.NodeId, WireBytes.Of(body),
            ReplyForm.Empty, $"FALLOCATE {mode} {offset}+{length}");
        inode.Told.Changing--;
        inode.BlocksAreStale();
        if (reply.Error == Errno.ENOSYS)
        {
            _isUnknown = true;
            return Errno.EOPNOTSUPP;
        }
        return reply.Error;
    }

    private async Task<Errno> Finish(Caller caller, Inode inode, bool clears, bool grows, long offset, long end)
    {
        int block = kernel.Config.BlockSize;
        inode.Mappings?.Remove(offset / block * block, (end + block - 1) / block * block);
        if (!inode.IsIomap)
        {
            return Errno.Ok;
        }
        long old = inode.Size;
        if (clears)
        {
            Errno zeroed = await kernel.Zeroing.Run(caller, inode, offset, Math.Min(end, old));
            if (zeroed != Errno.Ok)
            {
                return zeroed;
            }
        }
        if (!grows)
        {
            return Errno.Ok;
        }
        inode.Told.Size = Math.Max(inode.Told.Size, end);
        Errno error = await kernel.Zeroing.Run(caller, inode, old, end);
        if (error != Errno.Ok)
        {
            return error;
        }
        inode.Size = end;
        inode.DiskSize = Math.Max(inode.DiskSize, end);
        return await kernel.Writeback.Write(caller, inode, 0, long.MaxValue, waits: true);
    }

    private async Task<Errno> DropPages(Caller caller, Inode inode, long offset, long end)
    {
        long size = inode.Pages.PageSize;
        long from = offset / size * size;
        long to = (end + size - 1) / size * size;
        Errno error = await kernel.Writeback.Write(caller, inode, from, to, waits: true);
        if (error == Errno.Ok)
        {
            inode.Pages.Drop(from, to);
        }
        return error;
    }
}

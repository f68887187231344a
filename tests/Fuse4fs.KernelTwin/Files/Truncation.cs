using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>Changing a size. Section 8.3, traces 8 and 17-8. The caller holds the inode's lock.</summary>
internal sealed class Truncation(TwinKernel kernel)
{
    /// <param name="file">The open file of ftruncate(2); null for truncate(2) and O_TRUNC.</param>
    public async Task<Errno> Run(Caller caller, Inode inode, long size, OpenFile? file)
    {
        await kernel.Privileges.HasCapability(caller, inode);
        uint mode = Privileges.Without(inode.Mode, caller);
        await inode.InvalidateLock.EnterExclusive();
        try
        {
            await inode.DirectIo.WaitForNone();
            long old = inode.Size;
            Errno error = await PrepareData(caller, inode, size);
            error = error != Errno.Ok ? error : await Send(caller, inode, size, mode, file);
            if (error != Errno.Ok && !kernel.Quirks.SizeChangesDespiteError)
            {
                inode.Size = old;
            }
            return error;
        }
        finally
        {
            inode.InvalidateLock.ExitExclusive();
        }
    }

    private async Task<Errno> PrepareData(Caller caller, Inode inode, long size)
    {
        if (!inode.IsIomap)
        {
            return Errno.Ok;
        }
        long block = kernel.Config.BlockSize;
        (long from, long to) = size > inode.Size ? (inode.Size, size) : (size, (size + block - 1) / block * block);
        Errno error = await kernel.Zeroing.Run(caller, inode, from, to);
        if (error != Errno.Ok)
        {
            return error;
        }
        long old = inode.Size;
        inode.Size = size;
        inode.Pages.Truncate(size);
        if (size > 0)
        {
            error = await kernel.Writeback.Write(caller, inode, 0, long.MaxValue, waits: true);
        }
        await inode.Ioends.WaitForNone();
        if (error != Errno.Ok)
        {
            inode.Size = old;
        }
        return error;
    }

    private async Task<Errno> Send(Caller caller, Inode inode, long size, uint mode, OpenFile? file)
    {
        long block = kernel.Config.BlockSize;
        inode.Mtime = kernel.Clock.Now();
        inode.Ctime = inode.Mtime;
        SetattrBits bits = SetattrBits.Size | SetattrBits.Mtime | SetattrBits.Ctime | SetattrBits.LockOwner
            | (file is null ? SetattrBits.None : SetattrBits.Handle)
            | (mode == inode.Mode ? SetattrBits.None : SetattrBits.Mode);
        AttributeWire.SetattrIn change = Attributes.WithTimes(inode, bits);
        change.Size = (ulong)size;
        change.Handle = file?.Handle ?? 0;
        change.Mode = mode;
        long promised = inode.Told.Size;
        inode.Told.Size = Math.Min(promised, size);
        inode.Told.Written.Remove((size + block - 1) / block * block, long.MaxValue);
        (Errno error, _) = await kernel.Attributes.Setattr(caller, inode, change);
        if (error != Errno.Ok)
        {
            inode.Told.LostData = true;
            return error;
        }
        inode.Mode = mode;
        inode.DiskSize = size;
        inode.Mappings?.Remove(size / block * block, long.MaxValue);
        inode.BlocksAreStale();
        return Errno.Ok;
    }
}

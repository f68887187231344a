using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>O_DIRECT. Traces 6 and 17-10. The caller holds the inode's lock: writers alone, readers together.</summary>
internal sealed class DirectIo(TwinKernel kernel)
{
    private const int SectorBytes = 512;

    /// <param name="completes">Who sends the IOEND: the writer, or a worker for asynchronous I/O.</param>
    public async Task<(long Done, Errno Error)> Write(Caller caller, Caller completes, Inode inode, long position,
        UserBuffer buffer, bool isAtomic)
    {
        Errno error = await WriteBack(caller, inode, position, buffer.Data.Length);
        if (error != Errno.Ok)
        {
            return (0, error);
        }
        DropPages(inode, position, buffer.Data.Length);
        var write = new DirectWrite(kernel, inode, position, buffer);
        OperationFlags operation = OperationFlags.Write | OperationFlags.Direct
            | (isAtomic ? OperationFlags.Atomic : OperationFlags.None);
        inode.DirectIo.Add();
        try
        {
            (_, error) = await kernel.Walk.Run(caller, inode, operation, position, buffer.Data.Length,
                (found, at, length) => write.Step(caller, found, at, length));
            error = await write.Complete(completes, error);
        }
        finally
        {
            inode.DirectIo.Remove();
        }
        DropPages(inode, position, buffer.Data.Length);
        return (error == Errno.Ok ? write.Submitted : 0, error);
    }

    public async Task<(long Done, Errno Error)> Read(Caller caller, Inode inode, long position, Memory<byte> target,
        int misalignment, OperationFlags extra)
    {
        Errno error = await WriteBack(caller, inode, position, target.Length);
        if (error != Errno.Ok)
        {
            return (0, error);
        }
        inode.DirectIo.Add();
        try
        {
            (long done, Errno failed) = await kernel.Walk.Run(caller, inode, OperationFlags.Direct | extra, position,
                target.Length, (found, at, length) => ReadStep(caller, inode, found, at,
                    target.Slice((int)(at - position), (int)length), misalignment));
            return failed != Errno.Ok ? (0, failed) : (Math.Min(done, Math.Max(0, inode.Size - position)), Errno.Ok);
        }
        finally
        {
            inode.DirectIo.Remove();
        }
    }

    private async Task<Step> ReadStep(Caller caller, Inode inode, Found found, long position, Memory<byte> target,
        int misalignment)
    {
        Mapping source = found.Target;
        if (source.Type == MappingType.Inline)
        {
            (Errno failed, byte[] data) = await kernel.Inline.Read(caller, inode, source, target.Length);
            if (failed != Errno.Ok)
            {
                return new Step(0, Error: failed);
            }
            data.AsSpan((int)(position - source.Offset), target.Length).CopyTo(target.Span);
            return new Step(target.Length);
        }
        if (source.Type == MappingType.Delalloc)
        {
            return new Step(0, Error: Errno.EIO);
        }
        if (position % SectorBytes != 0 || target.Length % SectorBytes != 0 || misalignment % SectorBytes != 0)
        {
            return new Step(0, Error: Errno.EINVAL);
        }
        Errno error = kernel.BlockIo.Read(source with { Flags = 0 }, position, target.Span);
        return error != Errno.Ok ? new Step(0, Error: error) : new Step(target.Length);
    }

    private async Task<Errno> WriteBack(Caller caller, Inode inode, long position, long length) =>
        inode.Pages.NeedsWriteback(position, position + length)
            ? await kernel.Writeback.Write(caller, inode, position, position + length, waits: true) : Errno.Ok;

    private static void DropPages(Inode inode, long position, long length)
    {
        PageCache pages = inode.Pages;
        long size = pages.PageSize;
        pages.Drop(position / size * size, (position + length + size - 1) / size * size);
    }
}

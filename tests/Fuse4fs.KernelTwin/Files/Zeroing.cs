using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>BEGIN(ZERO): tails at truncate, gaps before a write beyond EOF, edges of a punch. Traces 5.1 and 17-4.
/// </summary>
internal sealed class Zeroing(TwinKernel kernel)
{
    public async Task<Errno> Run(Caller caller, Inode inode, long from, long to)
    {
        if (from >= to)
        {
            return Errno.Ok;
        }
        bool mustFlush = kernel.Quirks.ZeroingFlushes && inode.Pages.NeedsWriteback(from, to);
        (_, Errno error) = await kernel.Walk.Run(caller, inode, OperationFlags.Zero, from, to - from,
            async (found, at, length) =>
            {
                Mapping source = found.Source;
                if (source.Type == MappingType.Hole || source.IsUnwritten)
                {
                    if (!mustFlush)
                    {
                        return new Step(length);
                    }
                    mustFlush = false;
                    Errno flushed = await kernel.Writeback.Write(caller, inode, at, at + length, waits: true);
                    return new Step(0, MappingFlags.Stale, flushed);
                }
                Errno failed = await Zero(caller, inode, found, at, length);
                return failed != Errno.Ok ? new Step(0, Error: failed) : new Step(length);
            });
        return error;
    }

    private async Task<Errno> Zero(Caller caller, Inode inode, Found found, long position, long length)
    {
        if (found.Target.Type == MappingType.Inline)
        {
            byte[] zeros = new byte[length];
            Errno error = await kernel.BufferedWrites.Copy(caller, inode, found, position, zeros, keepsDirty: false);
            return error != Errno.Ok ? error : await kernel.Inline.Write(caller, inode, position, zeros);
        }
        for (long at = position; at < position + length;)
        {
            PageCache pages = inode.Pages;
            long end = Math.Min(position + length, (at / pages.BlockSize * pages.BlockSize) + pages.BlockSize);
            if (found.Source.Type != MappingType.Delalloc || pages.HasDirtyBlocks(at, end))
            {
                Errno error = await kernel.BufferedWrites.Copy(caller, inode, found, at, new byte[end - at],
                    keepsDirty: true);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
            at = end;
        }
        return Errno.Ok;
    }
}

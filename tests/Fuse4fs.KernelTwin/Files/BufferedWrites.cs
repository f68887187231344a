using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>write(2) through the page cache. Traces 5.1. The caller holds the inode's lock.</summary>
internal sealed class BufferedWrites(TwinKernel kernel)
{
    public async Task<(long Done, Errno Error)> Write(Caller caller, Inode inode, long position, UserBuffer buffer)
    {
        long start = position;
        return await kernel.Walk.Run(caller, inode, OperationFlags.Write, position, buffer.Data.Length,
            async (found, at, length) =>
            {
                int offset = (int)(at - start);
                int count = (int)Math.Min(length, Math.Max(0, buffer.Readable - offset));
                if (count == 0)
                {
                    return new Step(0, Error: Errno.EFAULT);
                }
                Errno error = found.Target.Type == MappingType.Inline
                    ? await Inline(caller, inode, found, at, buffer.Data.Slice(offset, count))
                    : await Copy(caller, inode, found, at, buffer.Data.Slice(offset, count), keepsDirty: true);
                if (error != Errno.Ok)
                {
                    return new Step(0, Error: error);
                }
                if (at + count <= inode.Size)
                {
                    return new Step(count);
                }
                inode.Size = at + count;
                return new Step(count, MappingFlags.SizeChanged);
            });
    }

    /// <summary>Puts bytes into pages, reading what a partial block still needs.</summary>
    public async Task<Errno> Copy(Caller caller, Inode inode, Found found, long position, ReadOnlyMemory<byte> data,
        bool keepsDirty)
    {
        PageCache pages = inode.Pages;
        for (int done = 0; done < data.Length;)
        {
            long at = position + done;
            int inPage = (int)(at % pages.PageSize);
            int length = Math.Min(pages.PageSize - inPage, data.Length - done);
            Errno error = await Prepare(caller, inode, found, at, length);
            if (error != Errno.Ok)
            {
                return error;
            }
            Page page = pages.GetOrAdd(at / pages.PageSize);
            data.Span.Slice(done, length).CopyTo(page.Data.AsSpan(inPage));
            ulong blocks = pages.Blocks(page.Index, at, at + length);
            page.Uptodate |= blocks;
            if (keepsDirty)
            {
                pages.MarkDirty(page, blocks);
            }
            done += length;
        }
        return Errno.Ok;
    }

    /// <summary>Fills those blocks of a page that a write covers in part.</summary>
    private async Task<Errno> Prepare(Caller caller, Inode inode, Found found, long position, int length)
    {
        PageCache pages = inode.Pages;
        int size = pages.BlockSize;
        long first = position / size * size;
        for (long block = first; block < position + length; block += size)
        {
            Page page = pages.GetOrAdd(block / pages.PageSize);
            ulong bit = pages.Blocks(page.Index, block, block + 1);
            bool isCovered = position <= block && block + size <= position + length;
            if (isCovered || (page.Uptodate & bit) != 0)
            {
                continue;
            }
            byte[] old = new byte[size];
            Errno error = await Before(caller, inode, found, block, old);
            if (error != Errno.Ok)
            {
                return error;
            }
            if ((page.Uptodate & bit) == 0)
            {
                old.CopyTo(page.Data, block % pages.PageSize);
                page.Uptodate |= bit;
            }
        }
        return Errno.Ok;
    }

    /// <summary>The block as it was: zero beyond EOF and where the source has nothing.</summary>
    private async Task<Errno> Before(Caller caller, Inode inode, Found found, long block, byte[] old)
    {
        Mapping source = found.Source;
        if (block >= inode.Size)
        {
            return Errno.Ok;
        }
        if (source.Type == MappingType.Inline)
        {
            (Errno failed, byte[] data) = await kernel.Inline.Read(caller, inode, source, inode.Pages.PageSize);
            data.AsSpan(0, Math.Min(data.Length, old.Length)).CopyTo(old);
            return failed;
        }
        return kernel.BlockIo.Read(source, block, old);
    }

    private async Task<Errno> Inline(Caller caller, Inode inode, Found found, long position, ReadOnlyMemory<byte> data)
    {
        Errno error = await Copy(caller, inode, found, position, data, keepsDirty: false);
        if (error == Errno.Ok)
        {
            error = await kernel.Inline.Write(caller, inode, position, data.ToArray());
        }
        if (error == Errno.Ok)
        {
            inode.Told.Size = Math.Max(inode.Told.Size, position + data.Length);
            inode.DiskSize = Math.Max(inode.DiskSize, position + data.Length);
        }
        return error;
    }
}

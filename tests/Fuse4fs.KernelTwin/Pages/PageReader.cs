using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>Fills pages from the device: reads, read-ahead, faults. Sections 6.2 and 12, traces 4.</summary>
internal sealed class PageReader(TwinKernel kernel)
{
    /// <summary>Makes the page of an index readable.</summary>
    /// <param name="window">Of the open file.</param>
    /// <param name="wanted">Pages that the request still wants, this one included.</param>
    public async Task<Errno> Get(Caller caller, Inode inode, ReadWindow window, long index, long wanted)
    {
        PageCache pages = inode.Pages;
        long most = Math.Max(1, kernel.Options.ReadAheadBytes / pages.PageSize);
        Page? page = pages.Find(index);
        if (page is null)
        {
            await Ahead(caller, inode, window.OnMiss(index, wanted, most));
        }
        page = pages.Find(index);
        if (page is { IsMarker: true })
        {
            page.IsMarker = false;
            await Ahead(caller, inode, window.OnMarker(most));
        }
        return await GetSingle(caller, inode, index);
    }

    /// <summary>Makes one page readable, without its neighbours.</summary>
    public async Task<Errno> GetSingle(Caller caller, Inode inode, long index)
    {
        long start = index * inode.Pages.PageSize;
        long end = start + inode.Pages.PageSize;
        while (!inode.Pages.IsUptodate(start, end))
        {
            Errno error = await Fill(caller, inode, start, end);
            if (error != Errno.Ok)
            {
                return error is Errno.EINTR or Errno.ENOTCONN or Errno.ECONNREFUSED ? error : Errno.EIO;
            }
        }
        return Errno.Ok;
    }

    /// <summary>Reads what is missing of a range of whole pages; the parts that are there are left alone.</summary>
    public async Task<Errno> Fill(Caller caller, Inode inode, long from, long to)
    {
        await inode.InvalidateLock.EnterShared();
        try
        {
            int block = inode.Pages.BlockSize;
            for (long position = from; position < to;)
            {
                if (inode.Pages.IsUptodate(position, position + block))
                {
                    position += block;
                    continue;
                }
                long end = position + block;
                while (end < to && !inode.Pages.IsUptodate(end, end + block))
                {
                    end += block;
                }
                int generation = inode.Pages.Generation;
                (long done, Errno error) = await kernel.Walk.Run(caller, inode, OperationFlags.None, position,
                    end - position, (found, at, length) => FillStep(caller, inode, found, at, length, generation));
                if (error != Errno.Ok)
                {
                    return error;
                }
                if (done == 0 && inode.Pages.Generation == generation)
                {
                    return Errno.EIO;
                }
                position += done;
            }
            return Errno.Ok;
        }
        finally
        {
            inode.InvalidateLock.ExitShared();
        }
    }

    private async Task Ahead(Caller caller, Inode inode, (long Start, long Size, long Marker) window)
    {
        PageCache pages = inode.Pages;
        long last = (inode.Size - 1) / pages.PageSize;
        long end = Math.Min(last, window.Start + window.Size - 1);
        if (window.Start > end)
        {
            return;
        }
        bool marksNew = window.Marker >= 0 && pages.Find(window.Marker) is null;
        Errno error = await Fill(caller, inode, window.Start * pages.PageSize, (end + 1) * pages.PageSize);
        if (error == Errno.Ok && marksNew && pages.Find(window.Marker) is { } marked)
        {
            marked.IsMarker = true;
        }
    }

    private async Task<Step> FillStep(Caller caller, Inode inode, Found found, long position, long length,
        int generation)
    {
        Mapping source = found.Target;
        byte[] data = new byte[length];
        if (source.Type == MappingType.Inline)
        {
            (Errno failed, byte[] inline) = await kernel.Inline.Read(caller, inode, source, inode.Pages.PageSize);
            if (failed != Errno.Ok)
            {
                return new Step(0, Error: failed);
            }
            inline.AsSpan((int)(position - source.Offset), (int)length).CopyTo(data);
        }
        else
        {
            long block = inode.Pages.BlockSize;
            long inside = Math.Clamp(((inode.Size + block - 1) / block * block) - position, 0, length);
            Errno error = kernel.BlockIo.Read(source, position, data.AsSpan(0, (int)inside));
            if (error != Errno.Ok)
            {
                return new Step(0, Error: error);
            }
        }
        if (inode.Pages.Generation != generation)
        {
            return new Step(0);
        }
        Install(inode.Pages, position, data);
        return new Step(length);
    }

    /// <summary>Puts whole blocks in place unless they are there already.</summary>
    private static void Install(PageCache pages, long position, byte[] data)
    {
        for (int at = 0; at < data.Length; at += pages.BlockSize)
        {
            Page page = pages.GetOrAdd((position + at) / pages.PageSize);
            ulong bit = pages.Blocks(page.Index, position + at, position + at + 1);
            if ((page.Uptodate & bit) == 0)
            {
                data.AsSpan(at, pages.BlockSize).CopyTo(page.Data.AsSpan((int)((position + at) % pages.PageSize)));
                page.Uptodate |= bit;
            }
        }
    }
}

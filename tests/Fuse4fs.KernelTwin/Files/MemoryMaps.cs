using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>Loads and stores through a mapping of a file. Traces 7. An error is what SIGBUS tells.</summary>
internal sealed class MemoryMaps(TwinKernel kernel)
{
    public async Task<Errno> Load(Caller caller, OpenFile file, long position, Memory<byte> target)
    {
        Inode inode = file.Inode;
        int size = inode.Pages.PageSize;
        for (int done = 0; done < target.Length;)
        {
            long at = position + done;
            Errno error = await ReadFault(caller, file, at / size);
            if (error != Errno.Ok)
            {
                return error;
            }
            int inPage = (int)(at % size);
            int length = Math.Min(size - inPage, target.Length - done);
            Visible(inode, at / size).AsSpan(inPage, length).CopyTo(target.Span[done..]);
            done += length;
        }
        return Errno.Ok;
    }

    public async Task<Errno> Store(Caller caller, OpenFile file, long position, ReadOnlyMemory<byte> data)
    {
        Inode inode = file.Inode;
        int size = inode.Pages.PageSize;
        for (int done = 0; done < data.Length;)
        {
            long at = position + done;
            long index = at / size;
            int inPage = (int)(at % size);
            int length = Math.Min(size - inPage, data.Length - done);
            Errno error = await WriteFault(caller, file, index);
            if (error != Errno.Ok)
            {
                return error;
            }
            data.Span.Slice(done, length).CopyTo(inode.Pages.Find(index)!.Data.AsSpan(inPage));
            done += length;
        }
        return Errno.Ok;
    }

    private async Task<Errno> ReadFault(Caller caller, OpenFile file, long index)
    {
        Inode inode = file.Inode;
        PageCache pages = inode.Pages;
        int size = pages.PageSize;
        if (index * size >= inode.Size)
        {
            return Errno.EFAULT;
        }
        if (pages.IsUptodate(index * size, (index + 1) * size))
        {
            return Errno.Ok;
        }
        long last = (inode.Size - 1) / size;
        long around = Math.Max(1, kernel.Options.ReadAheadBytes / size);
        long first = Math.Max(0, index - (around / 2));
        long end = Math.Min(last + 1, first + around);
        Errno error = await kernel.PageReader.Fill(caller, inode, first * size, end * size);
        if (error != Errno.Ok && kernel.Quirks.ReadErrorIsRetried)
        {
            await kernel.PageReader.Fill(caller, inode, first * size, end * size);
        }
        kernel.Attributes.TouchAccessed(inode);
        return await kernel.PageReader.GetSingle(caller, inode, index);
    }

    private async Task<Errno> WriteFault(Caller caller, OpenFile file, long index)
    {
        Inode inode = file.Inode;
        PageCache pages = inode.Pages;
        long start = index * pages.PageSize;
        while (pages.Find(index) is not { IsWritable: true })
        {
            await kernel.Syncing.WaitForThaw();
            Errno error = await ReadFault(caller, file, index);
            if (error != Errno.Ok)
            {
                return error;
            }
            await inode.InvalidateLock.EnterShared();
            try
            {
                if (start >= inode.Size || pages.Find(index) is null)
                {
                    continue;
                }
                kernel.Attributes.TouchModified(inode);
                long length = Math.Min(pages.PageSize, inode.Size - start);
                (_, error) = await kernel.Walk.Run(caller, inode, OperationFlags.Write | OperationFlags.Fault, start,
                    length, (_, _, count) => Task.FromResult(new Mappings.Step(count)));
                if (error != Errno.Ok)
                {
                    return error;
                }
                if (pages.Find(index) is { } page)
                {
                    pages.MarkDirty(page, pages.Blocks(index, start, start + length));
                    page.IsWritable = true;
                }
            }
            finally
            {
                inode.InvalidateLock.ExitShared();
            }
        }
        return Errno.Ok;
    }

    /// <summary>The page as a process sees it: zero beyond EOF.</summary>
    private static byte[] Visible(Inode inode, long index)
    {
        byte[] data = (byte[])inode.Pages.Find(index)!.Data.Clone();
        long inside = Math.Clamp(inode.Size - (index * data.Length), 0, data.Length);
        data.AsSpan((int)inside).Clear();
        return data;
    }
}

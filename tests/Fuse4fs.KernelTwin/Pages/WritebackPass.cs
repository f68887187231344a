using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>One walk over the dirty pages of a file.</summary>
internal sealed class WritebackPass(TwinKernel kernel, Caller caller, Inode inode)
{
    private WritebackRun? _run;
    private Found? _found;
    private Errno _error;

    public async Task<Errno> Run(long from, long to, bool isIntegrity)
    {
        long[] indexes = inode.Pages.DirtyPages(from, to);
        foreach (long index in indexes)
        {
            if (inode.Pages.Find(index) is { Dirty: not 0 } page)
            {
                await WritePage(page);
            }
        }
        if (_run is not null && _error != Errno.Ok && isIntegrity && kernel.Quirks.PendingRunFailsWithPass)
        {
            _run.Error = _error;
        }
        SubmitRun();
        return _error;
    }

    private async Task WritePage(Page page)
    {
        PageCache pages = inode.Pages;
        long start = page.Index * pages.PageSize;
        long block = pages.BlockSize;
        ulong dirty = page.Dirty;
        pages.MarkClean(page);
        long end = Math.Min(start + pages.PageSize, (inode.Size + block - 1) / block * block);
        for (long at = start; at < end;)
        {
            if ((dirty & pages.Blocks(page.Index, at, at + 1)) == 0)
            {
                at += block;
                continue;
            }
            long runEnd = at + block;
            while (runEnd < end && (dirty & pages.Blocks(page.Index, runEnd, runEnd + 1)) != 0)
            {
                runEnd += block;
            }
            Errno error = await WriteBlocks(page, at, runEnd);
            if (error != Errno.Ok)
            {
                await Discard(page, at, error);
                return;
            }
            at = runEnd;
        }
    }

    private async Task<Errno> WriteBlocks(Page page, long from, long to)
    {
        for (long at = from; at < to;)
        {
            if (_found is null || !_found.Target.Contains(at) || !MappingRequests.IsCurrent(inode, _found))
            {
                Errno error = await Map(at, to - at);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
            Mapping target = _found!.Target;
            long end = Math.Min(to, target.End);
            if (target.HasAddress)
            {
                Add(page, target, at, (int)(end - at));
            }
            else if (target.Type != MappingType.Hole)
            {
                return Errno.EIO;
            }
            at = end;
        }
        return Errno.Ok;
    }

    private async Task<Errno> Map(long position, long count)
    {
        _found = null;
        (Errno error, Found? found) = await kernel.MappingRequests.Begin(caller, inode, OperationFlags.Writeback,
            position, count);
        if (error != Errno.Ok || found is null)
        {
            return error;
        }
        error = await kernel.MappingRequests.End(caller, inode, found, position, found.Clip(position, count), new Step(0));
        _found = error == Errno.Ok ? found : null;
        return error;
    }

    private void Add(Page page, Mapping target, long position, int length)
    {
        bool isSplit = kernel.Scheduler.IsRandom && kernel.Scheduler.Draw(4) == 0;
        if (_run is not null && (isSplit || !_run.Takes(target, position, kernel.Options.MostIoendBytes)))
        {
            SubmitRun();
        }
        _run ??= new WritebackRun(inode, target, position);
        _run.Add(page, position, length);
    }

    private void SubmitRun()
    {
        if (_run is not null)
        {
            kernel.Writeback.Submit(_run);
            _run = null;
        }
    }

    /// <summary>No mapping: the rest of the page is lost, and the server is told at once.</summary>
    private async Task Discard(Page page, long position, Errno error)
    {
        _error = _error == Errno.Ok ? error : _error;
        inode.Fail(error);
        long end = (page.Index + 1) * inode.Pages.PageSize;
        await kernel.IoendRequests.Send(caller, inode, IoendFlags.None, error, position, end - position,
            Mapping.NullAddress, 0);
    }
}

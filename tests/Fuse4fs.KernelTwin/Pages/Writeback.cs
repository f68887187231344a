using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Mappings;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Scheduling;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Pages;

/// <summary>Writes dirty pages: one BEGIN(WRITEBACK) for each run that its mapping does not cover yet. Traces 5.2, 5.6
/// and 17-5.</summary>
internal sealed class Writeback(TwinKernel kernel)
{
    private const ulong SectorBytes = 512;
    private readonly Dictionary<Inode, SharedLock> _passes = [];

    /// <summary>Writes the pages that hold a byte of the range.</summary>
    /// <param name="waits">An integrity pass: the call returns when every IOEND was answered.</param>
    /// <returns>The first error of this pass.</returns>
    public async Task<Errno> Write(Caller caller, Inode inode, long from, long to, bool waits)
    {
        Errno error = Errno.Ok;
        int failures = inode.WriteErrors;
        if (inode.Pages.IsDirty)
        {
            SharedLock pass = PassOf(inode);
            await pass.EnterExclusive();
            inode.Walks++;
            try
            {
                error = await new WritebackPass(kernel, caller, inode).Run(from, to, waits);
            }
            finally
            {
                inode.Walks--;
                pass.ExitExclusive();
            }
        }
        if (waits)
        {
            await inode.Ioends.WaitForNone();
            error = error == Errno.Ok && inode.WriteErrors != failures ? inode.LastWriteError : error;
        }
        return error;
    }

    /// <summary>What the flusher does with one inode: data, times, and the completions later.</summary>
    public async Task<Errno> FlushInode(Inode inode, Caller caller, bool waits)
    {
        if (!inode.IsIomap)
        {
            return Errno.Ok;
        }
        Errno error = await Write(caller, inode, 0, long.MaxValue, waits: false);
        if (!kernel.Quirks.FlusherSendsTimesFirst)
        {
            await inode.Ioends.WaitForNone();
        }
        Errno times = await kernel.Attributes.FlushTimes(caller, inode);
        if (waits)
        {
            await inode.Ioends.WaitForNone();
        }
        return error != Errno.Ok ? error : times;
    }

    /// <summary>Background write-back of everything.</summary>
    public async Task FlushAll(bool waits)
    {
        foreach (Inode inode in kernel.Inodes.All.Where(inode => inode.Pages.IsDirty || inode.TimesAreDirty).ToArray())
        {
            await FlushInode(inode, Caller.Flusher, waits: false);
        }
        if (waits)
        {
            foreach (Inode inode in kernel.Inodes.All.ToArray())
            {
                await inode.Ioends.WaitForNone();
            }
        }
    }

    /// <summary>Hands a finished run to the device.</summary>
    public void Submit(WritebackRun run)
    {
        run.Inode.Ioends.Add();
        kernel.BlockUsers.Add(run.Inode, InFlight(run), RuleBook.BlockInFlight);
        kernel.Scheduler.PostToDevice(() => kernel.Scheduler.Spawn(() => Complete(run)));
    }

    private async Task Complete(WritebackRun run)
    {
        Inode inode = run.Inode;
        Errno error = run.Error;
        long position = run.From;
        foreach ((_, byte[] data) in run.Parts)
        {
            error = error != Errno.Ok ? error : kernel.BlockIo.Write(run.Mapping, position, data);
            position += data.Length;
        }
        if (error != Errno.Ok)
        {
            inode.Fail(error);
        }
        kernel.BlockUsers.Remove(inode, InFlight(run), RuleBook.BlockInFlight);
        (uint device, ulong address) = Named(run);
        Errno answered = await kernel.IoendRequests.Send(Caller.Worker, inode, run.Flags, error, run.From,
            run.ReportedEnd - run.From, address, device);
        if (answered != Errno.Ok && !kernel.Quirks.WritebackIoendErrorIsLost)
        {
            inode.Fail(answered);
        }
        foreach ((Page page, _) in run.Parts)
        {
            page.Writeback--;
        }
        inode.Ioends.Remove();
        kernel.Inodes.EvictIfGone(inode);
    }

    private static Mapping InFlight(WritebackRun run) => run.Mapping.Part(run.From, run.End);

    /// <summary>dev and new_addr of the IOEND.</summary>
    private (uint Device, ulong Address) Named(WritebackRun run)
    {
        (Mounting.BackingDevice? device, ulong address, _) = kernel.BlockIo.Resolve(run.Mapping, run.From);
        return (device?.Id ?? 0, kernel.Quirks.NewAddressIsSectors ? address / SectorBytes : address);
    }

    private SharedLock PassOf(Inode inode)
    {
        if (!_passes.TryGetValue(inode, out SharedLock? pass))
        {
            pass = new SharedLock();
            _passes.Add(inode, pass);
        }
        return pass;
    }
}

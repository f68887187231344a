using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Goes over a range of a file, mapping by mapping: BEGIN, the work, END.</summary>
internal sealed class MappingWalk(TwinKernel kernel)
{
    /// <param name="body">Given the mapping, the position and how many bytes of it to handle.</param>
    /// <returns>Bytes handled, and why it ended early.</returns>
    public async Task<(long Done, Errno Error)> Run(Caller caller, Inode inode, OperationFlags operation, long position,
        long count, Func<Found, long, long, Task<Step>> body)
    {
        long done = 0;
        inode.Walks++;
        try
        {
            while (done < count)
            {
                (Errno error, Found? found) = await kernel.MappingRequests.Begin(caller, inode, operation,
                    position + done, count - done);
                if (error != Errno.Ok || found is null)
                {
                    return (done, error);
                }
                long length = found.Clip(position + done, count - done);
                Step step = await Use(inode, found, position + done, length, body);
                Errno ended = await kernel.MappingRequests.End(caller, inode, found, position + done, length, step);
                done += step.Written;
                bool isRepeated = (step.Flags & MappingFlags.Stale) != 0;
                if (step.Error != Errno.Ok || (step.Written == 0 && !isRepeated))
                {
                    return (done, step.Error != Errno.Ok ? step.Error : ended);
                }
                if (ended != Errno.Ok && step.Written == 0 && !isRepeated)
                {
                    return (done, ended);
                }
                if (caller.IsKilled && done < count)
                {
                    return (done, Errno.EINTR);
                }
            }
            return (done, Errno.Ok);
        }
        finally
        {
            inode.Walks--;
        }
    }

    private async Task<Step> Use(Inode inode, Found found, long position, long length,
        Func<Found, long, long, Task<Step>> body)
    {
        Mapping target = found.Target;
        kernel.BlockUsers.Add(inode, target, RuleBook.BlockInFlight);
        try
        {
            await kernel.Scheduler.Breathe();
            return MappingRequests.IsCurrent(inode, found) ? await body(found, position, length)
                : new Step(0, MappingFlags.Stale);
        }
        finally
        {
            kernel.BlockUsers.Remove(inode, target, RuleBook.BlockInFlight);
        }
    }
}

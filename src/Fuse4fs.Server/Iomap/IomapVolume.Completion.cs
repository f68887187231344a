using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Iomap;

/// <content>IOMAP_END and IOMAP_IOEND.</content>
internal sealed partial class IomapVolume
{
    /// <inheritdoc/>
    /// <remarks>Only of writes into the cache: what went past it is told of when it has reached the device.</remarks>
    public override Errno EndMapping(in EndRequest request)
    {
        bool isBuffered = (request.Operation & (IomapOperation.Write | IomapOperation.Direct)) == IomapOperation.Write;
        if (!isBuffered || IsRefused || !NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return Errno.Ok;
        }
        return Volume.EndDelegatedWrite(
            inode, request.Offset, request.Length, request.Written, request.IsSizeChanged);
    }

    /// <inheritdoc/>
    /// <remarks>What has failed, and the end of swapping: what was written is joined.</remarks>
    public override Errno CompleteIo(in IoEndRequest request, out long sizeBytes)
    {
        sizeBytes = 0;
        if (IsRefused)
        {
            return Errno.InputOutput;
        }
        if (!NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return Errno.Stale;
        }
        if (request.Has(IoEndFlags.SwapOff))
        {
            return Volume.UnpinDelegated(inode, out sizeBytes);
        }
        Errno error = request.Error == Errno.Ok || request.Written == 0
            ? Errno.Ok
            : Volume.FailDelegatedWrite(inode, request.Offset, request.Written);
        return error == Errno.Ok ? Volume.GetDelegatedSize(inode, out sizeBytes) : error;
    }

    /// <inheritdoc/>
    public override bool TryJoin(in IoEndRequest request, DeferredIoEnd reply)
    {
        if (IsRefused || request.Has(IoEndFlags.SwapOff)
            || !NodeIds.TryInode(Server, request.File.NodeId, out InodeNumber inode))
        {
            return false;
        }
        IomapFile file = FileOf(inode);
        if (file.Completions.Add(request.Offset, request.Written, reply, request.Has(IoEndFlags.Direct)))
        {
            while (file.Completions.TryTake(out CompletionQueue.Group group))
            {
                Complete(file, group);
            }
        }
        return true;
    }

    /// <summary>What could not be taken in of what a file's writers wrote, once for each of them.</summary>
    public Errno TakeError(InodeNumber inode, ulong handle) =>
        _files.TryGetValue(inode.Value, out IomapFile? file) ? file.Errors.Take(handle) : Errno.Ok;

    /// <summary>Nobody but who asks for durability later can be told of an error.</summary>
    public void Remember(InodeNumber inode, Errno error)
    {
        if (error != Errno.Ok)
        {
            FileOf(inode).Errors.Add(error);
        }
    }

    /// <summary>A handle was given out, or has come back.</summary>
    public void HandleChanged(InodeNumber inode, ulong handle, bool isOpen)
    {
        if (!_files.TryGetValue(inode.Value, out IomapFile? file))
        {
            return;
        }
        if (isOpen)
        {
            file.Errors.Opened(handle);
        }
        else
        {
            file.Errors.Closed(handle);
        }
    }

    private void Complete(IomapFile file, CompletionQueue.Group group)
    {
        Span<DelegatedCompletion> completions = group.Completions;
        foreach (ref DelegatedCompletion completion in completions)
        {
            completion.Outcome = Errno.InputOutput;     // also of whatever is thrown
        }
        // The kernel drops what it keeps of the ranges when it has the replies: nothing older may be told in between.
        file.Uploads.EnterChange();
        try
        {
            Volume.CompleteDelegatedWrites(file.Inode, completions);
        }
        catch (Exception bug)
        {
            ServerLog.BackgroundFailed(Server.Log, bug);
        }
        finally
        {
            Answer(file, group);
            file.Uploads.LeaveChange();
        }
    }

    private void Answer(IomapFile file, CompletionQueue.Group group)
    {
        foreach (ref readonly DelegatedCompletion completion in group.Completions)
        {
            CompletionQueue.Waiter waiter = group.WaiterOf(in completion);
            if (completion.Outcome == Errno.Ok)
            {
                file.Uploads.Dropped(completion.OffsetBytes, completion.EndBytes);
            }
            else if (!waiter.IsDirect && !_connection.Revision.KeepsCompletionErrors)
            {
                file.Errors.Add(completion.Outcome);
            }
            _ = waiter.Reply.Complete(completion.Outcome, completion.SizeBytes);
        }
    }
}

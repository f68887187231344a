using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Files;

/// <summary>fsync, close, sync, freeze. Traces 5.3 and 13.</summary>
internal sealed class Syncing(TwinKernel kernel)
{
    private bool _fsyncIsUnknown;
    private bool _syncfsIsUnknown;
    private bool _flushIsUnknown;
    private TaskCompletionSource? _thaw;

    public bool IsFrozen => _thaw is not null;

    /// <summary>fsync(2) and fdatasync(2): data, completions, times, FSYNC.</summary>
    public async Task<Errno> Fsync(Caller caller, OpenFile file, bool dataOnly)
    {
        Inode inode = file.Inode;
        await kernel.Writeback.Write(caller, inode, 0, long.MaxValue, waits: true);
        if (caller.IsKilled)
        {
            return Errno.EINTR;
        }
        Errno error = TakeError(file);
        error = error != Errno.Ok ? error : await kernel.Attributes.FlushTimes(caller, inode);
        if (error != Errno.Ok || _fsyncIsUnknown)
        {
            return error;
        }
        long size = inode.Size;
        bool isComplete = !inode.Pages.IsDirty;
        byte[] body = WireBytes.Of(new FileWire.FsyncIn { Handle = file.Handle, Flags = dataOnly ? 1u : 0 });
        Reply reply = await kernel.Connection.Call(caller, Opcode.Fsync, inode.NodeId, body, ReplyForm.Empty,
            $"FSYNC {(dataOnly ? 1 : 0)}");
        if (reply.Error == Errno.ENOSYS)
        {
            _fsyncIsUnknown = true;
            return Errno.Ok;
        }
        if (reply.IsOk && isComplete)
        {
            Promise(inode, size);
        }
        return reply.Error;
    }

    /// <summary>close(2) of one descriptor: everything is written, then FLUSH.</summary>
    public async Task<Errno> Flush(Caller caller, OpenFile file)
    {
        Inode inode = file.Inode;
        if (inode.IsIomap && kernel.Quirks.CloseWritesBack)
        {
            bool isDropped = inode.IsUnlinked && !kernel.Quirks.UnlinkedDirtyIsWritten && file.References == 1;
            Errno error = Errno.Ok;
            if (isDropped)
            {
                inode.Pages.Drop(0, long.MaxValue);
                inode.TimesAreDirty = false;
            }
            else
            {
                error = await kernel.Writeback.Write(caller, inode, 0, long.MaxValue, waits: true);
            }
            Errno times = await kernel.Attributes.FlushTimes(caller, inode);
            if (error != Errno.Ok || times != Errno.Ok)
            {
                return error != Errno.Ok ? error : times;
            }
        }
        if (_flushIsUnknown || (file.Reply & OpenReplyFlags.NoFlush) != 0)
        {
            return Errno.Ok;
        }
        byte[] body = WireBytes.Of(new FileWire.FlushIn { Handle = file.Handle, LockOwner = caller.Pid });
        Reply reply = await kernel.Connection.Call(caller, Opcode.Flush, inode.NodeId, body, ReplyForm.Empty, "FLUSH",
            CallKind.Forced);
        _flushIsUnknown |= reply.Error == Errno.ENOSYS;
        return reply.Error == Errno.ENOSYS ? Errno.Ok : reply.Error;
    }

    /// <summary>sync_file_range(2): data only.</summary>
    public async Task<Errno> Range(Caller caller, OpenFile file, long from, long to)
    {
        await kernel.Writeback.Write(caller, file.Inode, from, to, waits: true);
        return TakeError(file);
    }

    /// <summary>syncfs(2): the flusher writes, the caller sends SYNCFS.</summary>
    public async Task<Errno> Syncfs(Caller caller)
    {
        await kernel.Writeback.FlushAll(waits: true);
        if (_syncfsIsUnknown)
        {
            return Errno.Ok;
        }
        (Inode Inode, long Size)[] clean = [.. kernel.Inodes.All.Where(inode => !inode.Pages.IsDirty)
            .Select(inode => (inode, inode.Size))];
        Reply reply = await kernel.Connection.Call(caller, Opcode.Syncfs, kernel.Options.RootNodeId,
            WireBytes.Of(new SessionWire.Word()), ReplyForm.Empty, "SYNCFS");
        if (reply.Error == Errno.ENOSYS)
        {
            _syncfsIsUnknown = true;
            return Errno.Ok;
        }
        if (reply.IsOk)
        {
            foreach ((Inode inode, long size) in clean)
            {
                Promise(inode, size);
            }
        }
        return reply.Error;
    }

    /// <summary>FIFREEZE.</summary>
    public async Task<Errno> Freeze(Caller caller)
    {
        if (!kernel.Session.IsIomapAccepted)
        {
            return Errno.EOPNOTSUPP;
        }
        if (IsFrozen)
        {
            return Errno.EBUSY;
        }
        var thaw = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _thaw = thaw;
        Errno error = await Syncfs(caller);
        if (error == Errno.Ok)
        {
            ulong unlinked = (ulong)kernel.Inodes.All.Count(inode => inode.IsUnlinked);
            Reply reply = await kernel.Connection.Call(caller, Opcode.FreezeFs, kernel.Options.RootNodeId,
                WireBytes.Of(new SessionWire.Word { Value = unlinked }), ReplyForm.Empty, $"FREEZE_FS {unlinked}");
            error = reply.Error == Errno.ENOSYS ? Errno.EOPNOTSUPP : reply.Error;
        }
        if (error != Errno.Ok)
        {
            _thaw = null;
            thaw.SetResult();
        }
        return error;
    }

    /// <summary>FITHAW.</summary>
    public async Task<Errno> Thaw(Caller caller)
    {
        if (_thaw is not { } thaw)
        {
            return Errno.EINVAL;
        }
        Reply reply = await kernel.Connection.Call(caller, Opcode.UnfreezeFs, kernel.Options.RootNodeId, [],
            ReplyForm.Empty, "UNFREEZE_FS");
        _thaw = null;
        thaw.SetResult();
        return reply.Error == Errno.ENOSYS ? Errno.Ok : reply.Error;
    }

    /// <summary>What changes anything waits here while the file system is frozen.</summary>
    public async Task WaitForThaw()
    {
        while (_thaw is { } thaw)
        {
            await thaw.Task;
        }
    }

    /// <summary>The block device of a fuseblk mount goes away.</summary>
    public async Task<Errno> LoseDevice(Caller caller)
    {
        await Syncfs(caller);
        Reply reply = await kernel.Connection.Call(caller, Opcode.ShutdownFs, kernel.Options.RootNodeId,
            WireBytes.Of(new SessionWire.Word()), ReplyForm.Empty, "SHUTDOWN_FS 0");
        return reply.Error;
    }

    /// <summary>The write-back error that this open file has not seen yet, once.</summary>
    private static Errno TakeError(OpenFile file)
    {
        if (file.SeenErrors == file.Inode.WriteErrors)
        {
            return Errno.Ok;
        }
        file.SeenErrors = file.Inode.WriteErrors;
        return file.Inode.LastWriteError;
    }

    private static void Promise(Inode inode, long size)
    {
        if (inode.IsIomap && inode.Size >= size)
        {
            inode.Told.Size = Math.Max(inode.Told.Size, size);
        }
    }
}

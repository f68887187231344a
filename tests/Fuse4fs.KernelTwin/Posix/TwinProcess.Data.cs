using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Pages;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>Reading and writing.</summary>
public sealed partial class TwinProcess
{
    public Task<long> Pwrite(int fd, ReadOnlyMemory<byte> data, long offset) =>
        Pwrite(fd, new UserBuffer(data), offset, WriteFlags.None);

    public async Task<long> Pwrite(int fd, UserBuffer buffer, long offset, WriteFlags flags)
    {
        if (File(fd) is not { CanWrite: true } file)
        {
            return Fail(Errno.EBADF);
        }
        Inode inode = file.Inode;
        Errno error = MayWrite(file, buffer, offset, flags);
        if (error != Errno.Ok || buffer.Data.Length == 0)
        {
            return Fail(error);
        }
        await _kernel.Syncing.WaitForThaw();
        await inode.Lock.EnterExclusive();
        long done;
        try
        {
            offset = (file.Flags & OpenFlags.Append) != 0 ? inode.Size : offset;
            (done, error) = inode.IsIomap ? await WriteLocked(file, buffer, offset, flags)
                : await PlainWrite(file, buffer.Data, offset);
        }
        finally
        {
            inode.BlocksAreStale();
            inode.Lock.ExitExclusive();
        }
        if (done > 0 && inode.IsIomap && (file.IsSync || flags.HasFlag(WriteFlags.DataSync)))
        {
            error = await _kernel.Syncing.Fsync(Caller, file, dataOnly: true);
            return error != Errno.Ok ? Fail(error) : done;
        }
        return done > 0 ? done : Fail(error);
    }

    public async Task<long> Pread(int fd, Memory<byte> target, long offset, WriteFlags flags = WriteFlags.None,
        int misalignment = 0)
    {
        if (File(fd) is not { CanRead: true } file)
        {
            return Fail(Errno.EBADF);
        }
        Inode inode = file.Inode;
        if (inode.IsDirectory)
        {
            return Fail(Errno.EISDIR);
        }
        if (!inode.IsIomap)
        {
            return await PlainRead(file, target, offset);
        }
        if (offset >= inode.Size || target.Length == 0)
        {
            return 0;
        }
        return file.IsDirect ? await DirectRead(file, target, offset, flags, misalignment)
            : await BufferedRead(file, target, offset);
    }

    private async Task<(long Done, Errno Error)> WriteLocked(OpenFile file, UserBuffer buffer, long offset,
        WriteFlags flags)
    {
        Inode inode = file.Inode;
        Errno error = offset > inode.Size ? await _kernel.Zeroing.Run(Caller, inode, inode.Size, offset) : Errno.Ok;
        error = error != Errno.Ok ? error : await _kernel.Privileges.Strip(Caller, inode);
        if (error != Errno.Ok || (Caller.IsKilled && inode.Ioends.Count == 0))
        {
            return (0, error != Errno.Ok ? error : Errno.EINTR);
        }
        _kernel.Attributes.TouchModified(inode);
        if (!file.IsDirect)
        {
            return await _kernel.BufferedWrites.Write(Caller, inode, offset, buffer);
        }
        Caller completes = flags.HasFlag(WriteFlags.Asynchronous) ? Caller.AsyncWorker : Caller;
        (long done, error) = await _kernel.DirectIo.Write(Caller, completes, inode, offset, buffer,
            flags.HasFlag(WriteFlags.Atomic));
        if (error != Errno.ENOSYS)
        {
            return (done, error);
        }
        if ((file.Reply & OpenReplyFlags.DirectIo) != 0)
        {
            return (0, Errno.EIO);
        }
        await _kernel.Privileges.Strip(Caller, inode);
        (done, error) = await _kernel.BufferedWrites.Write(Caller, inode, offset, buffer);
        Errno written = await _kernel.Writeback.Write(Caller, inode, offset, offset + done, waits: true);
        return written != Errno.Ok ? (0, written) : (done, error);
    }

    private async Task<long> BufferedRead(OpenFile file, Memory<byte> target, long offset)
    {
        Inode inode = file.Inode;
        int size = inode.Pages.PageSize;
        int done = 0;
        while (done < target.Length && offset + done < inode.Size)
        {
            long at = offset + done;
            long end = Math.Min(offset + target.Length, inode.Size);
            long index = at / size;
            long wanted = ((end + size - 1) / size) - index;
            Errno error = await _kernel.PageReader.Get(Caller, inode, file.Window, index, wanted);
            if (error != Errno.Ok)
            {
                return done > 0 ? done : Fail(error);
            }
            if (inode.Pages.Find(index) is not { } page)
            {
                continue;
            }
            file.Window.Expected = index + 1;
            int inPage = (int)(at % size);
            int length = (int)Math.Min(size - inPage, Math.Min(end, inode.Size) - at);
            if (length <= 0)
            {
                break;
            }
            page.Data.AsSpan(inPage, length).CopyTo(target.Span[done..]);
            done += length;
        }
        _kernel.Attributes.TouchAccessed(inode);
        return done;
    }

    private async Task<long> DirectRead(OpenFile file, Memory<byte> target, long offset, WriteFlags flags,
        int misalignment)
    {
        Inode inode = file.Inode;
        var extra = OperationFlags.None;
        if (flags.HasFlag(WriteFlags.NoWait))
        {
            if (!_kernel.Quirks.NoWaitReachesServer)
            {
                return Fail(Errno.EAGAIN);
            }
            extra = OperationFlags.NoWait;
        }
        await inode.Lock.EnterShared();
        long done;
        Errno error;
        try
        {
            (done, error) = await _kernel.DirectIo.Read(Caller, inode, offset, target, misalignment, extra);
        }
        finally
        {
            inode.Lock.ExitShared();
        }
        if (error == Errno.ENOSYS)
        {
            return (file.Reply & OpenReplyFlags.DirectIo) != 0 ? Fail(Errno.EIO)
                : await BufferedRead(file, target, offset);
        }
        _kernel.Attributes.TouchAccessed(inode);
        return error != Errno.Ok ? Fail(error) : done;
    }

    private Errno MayWrite(OpenFile file, UserBuffer buffer, long offset, WriteFlags flags)
    {
        Inode inode = file.Inode;
        if (inode.IsSwapFile)
        {
            return Errno.ETXTBSY;
        }
        if (offset < 0 || offset > _kernel.Config.MaxBytes - buffer.Data.Length)
        {
            return Errno.EFBIG;
        }
        if (flags.HasFlag(WriteFlags.DontCache))
        {
            return Errno.EOPNOTSUPP;
        }
        if (flags.HasFlag(WriteFlags.NoWait))
        {
            return file.IsDirect ? Errno.EAGAIN : Errno.EINVAL;
        }
        if (!flags.HasFlag(WriteFlags.Atomic))
        {
            return Errno.Ok;
        }
        if (!file.IsDirect || (inode.Flags & AttributeFlags.Atomic) == 0)
        {
            return Errno.EOPNOTSUPP;
        }
        int block = _kernel.Config.BlockSize;
        return buffer.Data.Length == block && offset % block == 0 ? Errno.Ok : Errno.EINVAL;
    }

    /// <summary>A file that is not iomap: WRITE with its handle.</summary>
    private async Task<(long Done, Errno Error)> PlainWrite(OpenFile file, ReadOnlyMemory<byte> data, long offset)
    {
        var write = new FileWire.TransferIn { Handle = file.Handle, Offset = (ulong)offset, Size = (uint)data.Length };
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Write, file.Inode.NodeId,
            WireBytes.Of(write, data.ToArray()), new ReplyForm(8), $"WRITE {offset}+{data.Length}");
        if (!reply.IsOk)
        {
            return (0, reply.Error);
        }
        long done = reply.As<FileWire.WriteOut>().Size;
        file.Inode.Size = Math.Max(file.Inode.Size, offset + done);
        return (done, Errno.Ok);
    }

    private async Task<long> PlainRead(OpenFile file, Memory<byte> target, long offset)
    {
        var read = new FileWire.TransferIn { Handle = file.Handle, Offset = (ulong)offset, Size = (uint)target.Length };
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Read, file.Inode.NodeId, WireBytes.Of(read),
            new ReplyForm(target.Length, MayBeShorter: true), $"READ {offset}+{target.Length}");
        reply.Body.CopyTo(target);
        return reply.IsOk ? reply.Body.Length : Fail(reply.Error);
    }
}

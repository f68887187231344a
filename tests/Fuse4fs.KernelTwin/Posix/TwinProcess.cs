using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>A process that makes system calls. Results are those of the calls, errors as negative errnos. For tasks of
/// the twin's scheduler; PosixDriver is the same for ordinary code.</summary>
public sealed partial class TwinProcess
{
    private const uint Read = 4;
    private const uint Write = 2;
    private static uint s_lastPid = 1000;
    private readonly TwinKernel _kernel;
    private readonly Dictionary<int, OpenFile> _files = [];

    internal TwinProcess(TwinKernel kernel, uint uid, uint gid)
    {
        _kernel = kernel;
        Caller = new Caller("", Interlocked.Increment(ref s_lastPid), uid, gid);
    }

    public Caller Caller { get; }

    public uint Umask { get; set; } = 0x12;

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        lock (_kernel.Scheduler.Gate)
        {
            _kernel.Connection.Kill(Caller);
        }
    }

    public async Task<long> Open(string path, uint flags, uint mode = 0x1A4)
    {
        (Errno error, Inode? directory, string name) = await _kernel.Paths.Parent(Caller, path);
        if (error != Errno.Ok || directory is null)
        {
            return Fail(error);
        }
        Inode? inode = _kernel.Inodes.Root;
        if (name.Length > 0)
        {
            (error, inode) = await _kernel.Paths.Step(Caller, directory, name);
        }
        if (error == Errno.ENOENT && (flags & OpenFlags.Create) != 0)
        {
            return await Create(directory, name, flags, mode, Opcode.Create);
        }
        if (error == Errno.Ok && inode is not null && (inode.Mode & Inode.TypeMask) == Inode.TypeLink)
        {
            (error, inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        }
        if (error != Errno.Ok || inode is null)
        {
            return Fail(error);
        }
        const uint NotTwice = OpenFlags.Create | OpenFlags.Exclusive;
        return (flags & NotTwice) == NotTwice ? Fail(Errno.EEXIST) : await OpenExisting(inode, flags);
    }

    /// <summary>O_TMPFILE in a directory.</summary>
    public async Task<long> OpenTemporary(string directory, uint flags, uint mode = 0x180)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, directory, follows: true);
        return error != Errno.Ok || inode is null ? Fail(error)
            : await Create(inode, "#tmpfile", flags | OpenFlags.TemporaryFile, mode, Opcode.Tmpfile);
    }

    public Task<long> Dup(int fd)
    {
        if (!_files.TryGetValue(fd, out OpenFile? file))
        {
            return Task.FromResult(Fail(Errno.EBADF));
        }
        file.References++;
        return Task.FromResult((long)Install(file));
    }

    public async Task<long> Close(int fd)
    {
        if (!_files.Remove(fd, out OpenFile? file))
        {
            return Fail(Errno.EBADF);
        }
        Errno error = await _kernel.Syncing.Flush(Caller, file);
        Drop(file);
        return Fail(error);
    }

    /// <summary>The process dies: its descriptors are closed.</summary>
    public async Task Exit()
    {
        foreach (int fd in _files.Keys.ToArray())
        {
            await Close(fd);
        }
    }

    internal OpenFile? File(int fd) => _files.GetValueOrDefault(fd);

    /// <summary>Gives back one reference; the last one sends RELEASE, which nobody waits for.</summary>
    internal void Drop(OpenFile file)
    {
        if (--file.References > 0)
        {
            return;
        }
        Inode inode = file.Inode;
        inode.Opens--;
        var release = new FileWire.ReleaseIn { Handle = file.Handle, Flags = file.Flags };
        _kernel.Connection.Post(Caller.None, Opcode.Release, inode.NodeId, WireBytes.Of(release), "RELEASE",
            hasNoReply: false);
        _kernel.Inodes.EvictIfGone(inode);
    }

    private static long Fail(Errno error) => -(long)error;

    private int Install(OpenFile file)
    {
        int fd = 3;
        while (_files.ContainsKey(fd))
        {
            fd++;
        }
        _files.Add(fd, file);
        return fd;
    }

    private async Task<long> Create(Inode directory, string name, uint flags, uint mode, Opcode opcode)
    {
        if (!Names.PathWalk.MayAccess(Caller, directory, Write | 1))
        {
            return Fail(Errno.EACCES);
        }
        await _kernel.Syncing.WaitForThaw();
        await directory.Lock.EnterExclusive();
        try
        {
            byte[] acl = await _kernel.Xattrs.Inherited(Caller, directory);
            var create = new FileWire.CreateIn
            {
                Flags = flags | OpenFlags.LargeFile,
                Mode = FinalMode(directory, mode, acl) | Inode.TypeRegular,
                Umask = Umask,
            };
            int size = Names.PathWalk.EntryOutBytes + WireBytes.SizeOf<FileWire.OpenOut>();
            string text = opcode == Opcode.Create
                ? $"CREATE {name} 0x{create.Flags:x} 0{Convert.ToString(create.Mode, 8)}" : "TMPFILE";
            Reply reply = await _kernel.Connection.Call(Caller, opcode, directory.NodeId,
                WireBytes.Of(create, WireBytes.Name(name)), new ReplyForm(size), text);
            if (!reply.IsOk)
            {
                return Fail(reply.Error);
            }
            return await Created(directory, name, flags, acl, opcode, reply);
        }
        finally
        {
            directory.Lock.ExitExclusive();
        }
    }

    private async Task<long> Created(Inode directory, string name, uint flags, byte[] acl, Opcode opcode, Reply reply)
    {
        directory.AttributesAreValid = false;
        AttributeWire.EntryOut entry = reply.As<AttributeWire.EntryOut>();
        FileWire.OpenOut opened = reply.As<FileWire.OpenOut>(Names.PathWalk.EntryOutBytes);
        directory.Children.Remove(name);
        (Errno error, Inode? inode) = opcode == Opcode.Create ? _kernel.Paths.Take(directory, name, entry)
            : _kernel.Inodes.Instantiate(entry);
        if (error != Errno.Ok || inode is null)
        {
            return Fail(error);
        }
        inode.IsUnlinked = opcode == Opcode.Tmpfile;
        inode.Opens++;
        long fd = Finish(inode, flags & ~(OpenFlags.Create | OpenFlags.Exclusive), opened);
        await _kernel.Xattrs.PassOn(Caller, inode, acl);
        return fd;
    }

    private async Task<long> OpenExisting(Inode inode, uint flags)
    {
        bool writes = (flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly || (flags & OpenFlags.Truncate) != 0;
        Errno error = MayOpen(inode, flags, writes);
        if (error != Errno.Ok)
        {
            return Fail(error);
        }
        bool truncates = (flags & OpenFlags.Truncate) != 0 && inode.IsRegular;
        bool truncatesAtServer = truncates && _kernel.Session.Has(InitFlags.AtomicTruncate);
        if (truncates)
        {
            await _kernel.Syncing.WaitForThaw();
        }
        uint sent = (flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate)) | OpenFlags.LargeFile
            | (truncatesAtServer ? OpenFlags.Truncate : 0);
        inode.Opens++;
        (error, FileWire.OpenOut opened) = truncatesAtServer ? await OpenTruncating(inode, sent)
            : await SendOpen(inode, sent);
        if (error != Errno.Ok)
        {
            inode.Opens--;
            return Fail(error);
        }
        long fd = Finish(inode, flags & ~OpenFlags.Truncate, opened);
        if (fd < 0 || !truncates || truncatesAtServer)
        {
            return fd;
        }
        error = await Truncate(inode, 0, null);
        if (error != Errno.Ok)
        {
            await Close((int)fd);
            return Fail(error);
        }
        return fd;
    }

    private async Task<(Errno Error, FileWire.OpenOut Opened)> SendOpen(Inode inode, uint flags)
    {
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Open, inode.NodeId,
            WireBytes.Of(new FileWire.OpenIn { Flags = flags }), new ReplyForm(16), $"OPEN 0x{flags:X}");
        return (reply.Error == Errno.ENOSYS ? Errno.Ok : reply.Error,
            reply.IsOk ? reply.As<FileWire.OpenOut>() : default);
    }

    /// <summary>OPEN with O_TRUNC under ATOMIC_O_TRUNC: the server truncates.</summary>
    private async Task<(Errno Error, FileWire.OpenOut Opened)> OpenTruncating(Inode inode, uint flags)
    {
        await inode.Lock.EnterExclusive();
        await inode.InvalidateLock.EnterExclusive();
        try
        {
            await inode.Ioends.WaitForNone();
            inode.Told.Written.Remove(0, long.MaxValue);
            inode.Told.Size = 0;
            inode.Told.Changing++;
            (Errno error, FileWire.OpenOut opened) = await SendOpen(inode, flags);
            inode.Told.Changing--;
            if (error == Errno.Ok)
            {
                inode.Pages.Truncate(0);
                inode.Size = 0;
                inode.DiskSize = 0;
                inode.Told.LostData = false;
                inode.Mappings?.Remove(0, long.MaxValue);
                inode.BlocksAreStale();
                _kernel.Attributes.TouchModified(inode);
            }
            return (error, opened);
        }
        finally
        {
            inode.InvalidateLock.ExitExclusive();
            inode.Lock.ExitExclusive();
        }
    }

    private long Finish(Inode inode, uint flags, in FileWire.OpenOut opened)
    {
        const OpenReplyFlags Refused = OpenReplyFlags.Passthrough | OpenReplyFlags.Stream | OpenReplyFlags.NonSeekable;
        var reply = (OpenReplyFlags)opened.OpenFlags;
        var file = new OpenFile(inode, opened.Handle, flags, reply);
        if (inode.IsIomap && (reply & Refused) != 0)
        {
            _kernel.Rules.Report(Rules.RuleBook.OpenFlags, $"node {inode.NodeId}: {reply}");
            Drop(file);
            return Fail(Errno.EINVAL);
        }
        if (_kernel.Quirks.OpenDropsCache && (reply & OpenReplyFlags.KeepCache) == 0 && inode.Walks == 0)
        {
            inode.Pages.DropClean(0, long.MaxValue);
        }
        return Install(file);
    }

    private Errno MayOpen(Inode inode, uint flags, bool writes)
    {
        if (inode.IsDirectory && writes)
        {
            return Errno.EISDIR;
        }
        if (writes && inode.IsImmutable)
        {
            return Errno.EPERM;
        }
        if (writes && inode.IsAppendOnly && (flags & (OpenFlags.Append | OpenFlags.Truncate)) != OpenFlags.Append)
        {
            return Errno.EPERM;
        }
        uint wanted = ((flags & OpenFlags.AccessMask) != OpenFlags.WriteOnly ? Read : 0) | (writes ? Write : 0);
        return Names.PathWalk.MayAccess(Caller, inode, wanted) ? Errno.Ok : Errno.EACCES;
    }

    /// <summary>The mode as CREATE and MKDIR carry it. Traces 1-15, 1-16, section 8.4.</summary>
    private uint FinalMode(Inode directory, uint mode, byte[] acl)
    {
        bool isExclusive = directory.IsExclusive && _kernel.Session.Has(InitFlags.PosixAcl);
        bool isRaw = isExclusive ? acl.Length > 0 : _kernel.Session.Has(InitFlags.DontMask);
        return isRaw ? mode : mode & ~Umask;
    }
}

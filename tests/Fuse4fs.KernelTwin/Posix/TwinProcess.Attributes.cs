using Fuse4fs.KernelTwin.Files;
using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Names;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>Attributes, extended attributes, ioctls, the file system as a whole.</summary>
public sealed partial class TwinProcess
{
    private const uint SetIds = 0xC00;
    private const uint BaseStatxMask = 0x1AFFF;
    private const uint ReadAlignMask = 0x20000;
    private const int StatfsBytes = 80;
    private const int StatxBytes = 288;

    public async Task<(long Error, TwinStat? Stat)> Stat(string path, bool follows = true)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows);
        return error != Errno.Ok || inode is null ? (Fail(error), null) : await Stat(inode);
    }

    public async Task<(long Error, TwinStat? Stat)> Fstat(int fd) =>
        File(fd) is { } file ? await Stat(file.Inode) : (Fail(Errno.EBADF), null);

    /// <summary>statx(2) with what only the server knows.</summary>
    public async Task<(long Error, AttributeWire.Statx Stat)> Statx(string path)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        if (error != Errno.Ok || inode is null)
        {
            return (Fail(error), default);
        }
        uint mask = BaseStatxMask | (_kernel.Revision.HasStripes ? ReadAlignMask : 0);
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Statx, inode.NodeId,
            WireBytes.Of(new AttributeWire.StatxIn { Mask = mask }), new ReplyForm(StatxBytes), $"STATX 0x{mask:X}");
        if (!reply.IsOk)
        {
            return (Fail(reply.Error), default);
        }
        if (_kernel.Quirks.AttributesRaiseDiskSize && inode.IsIomap)
        {
            inode.DiskSize = inode.Size;
        }
        return (0, reply.As<AttributeWire.StatxOut>().Stat);
    }

    public Task<long> Chmod(string path, uint mode) => Change(path, inode =>
    {
        SetattrBits bits = SetattrBits.Mode | (inode.IsDirectory ? SetattrBits.None : SetattrBits.Ctime);
        inode.Ctime = _kernel.Clock.Now();
        AttributeWire.SetattrIn change = Inodes.Attributes.WithTimes(inode, bits);
        change.Mode = (inode.Mode & Inode.TypeMask) | mode;
        return change;
    });

    public async Task<long> Chown(string path, uint uid, uint gid)
    {
        (Errno error, Inode? found) = await _kernel.Paths.Resolve(Caller, path, follows: false);
        if (error != Errno.Ok || found is null)
        {
            return Fail(error);
        }
        await _kernel.Privileges.HasCapability(Caller, found);
        return await Change(path, inode =>
        {
            uint mode = inode.IsRegular ? inode.Mode & ~SetIds : inode.Mode;
            bool kills = _kernel.Session.Has(InitFlags.HandleKillPrivV2) && inode.IsRegular;
            SetattrBits bits = SetattrBits.Uid | SetattrBits.Gid
                | (inode.IsDirectory ? SetattrBits.None : SetattrBits.Ctime)
                | (mode != inode.Mode || kills ? SetattrBits.Mode : SetattrBits.None)
                | (kills ? SetattrBits.KillSuidGid : SetattrBits.None);
            inode.Ctime = _kernel.Clock.Now();
            AttributeWire.SetattrIn change = Inodes.Attributes.WithTimes(inode, bits);
            (change.Uid, change.Gid, change.Mode) = (uid, gid, mode);
            return change;
        });
    }

    /// <param name="times">atime and mtime; null: now.</param>
    public Task<long> Utimens(string path, (Timestamp Atime, Timestamp Mtime)? times) => Change(path, inode =>
    {
        Timestamp now = _kernel.Clock.Now();
        inode.Ctime = now;
        (inode.Atime, inode.Mtime) = times ?? (now, now);
        SetattrBits bits = SetattrBits.Atime | SetattrBits.Mtime
            | (inode.IsDirectory ? SetattrBits.None : SetattrBits.Ctime)
            | (times is null && _kernel.Quirks.TouchCarriesAtimeNow ? SetattrBits.AtimeNow : SetattrBits.None);
        return Inodes.Attributes.WithTimes(inode, bits);
    });

    public async Task<(long Error, byte[] Value)> Getxattr(string path, string name, int size = 4096)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        if (error != Errno.Ok || inode is null)
        {
            return (Fail(error), []);
        }
        (error, byte[] value) = await _kernel.Xattrs.Get(Caller, inode, name, size);
        return (Fail(error), value);
    }

    public Task<long> Setxattr(string path, string name, byte[] value, uint flags = 0) =>
        OnInode(path, inode => _kernel.Xattrs.Set(Caller, inode, name, value, flags));

    public Task<long> Removexattr(string path, string name) =>
        OnInode(path, inode => _kernel.Xattrs.Remove(Caller, inode, name));

    /// <summary>setfacl: the attribute, and for an access ACL the mode that follows from it.</summary>
    public Task<long> SetAcl(string path, byte[]? acl, uint mode, bool isDefault) => OnInode(path, async inode =>
    {
        string name = isDefault ? Names.Xattrs.DefaultAcl : Names.Xattrs.AccessAcl;
        Errno error = acl is null ? await _kernel.Xattrs.Remove(Caller, inode, name)
            : await _kernel.Xattrs.Set(Caller, inode, name, acl, 0);
        if (error != Errno.Ok || isDefault)
        {
            return error;
        }
        inode.Ctime = _kernel.Clock.Now();
        return await _kernel.Privileges.SetMode(Caller, inode, (inode.Mode & Inode.TypeMask) | mode,
            SetattrBits.Mode | SetattrBits.Ctime);
    });

    /// <summary>ioctl(2) on a file: command, input and size of the output as the server gets them.</summary>
    public async Task<(long Result, byte[] Output)> Ioctl(int fd, uint command, byte[] input, int outputSize)
    {
        if (File(fd) is not { } file)
        {
            return (Fail(Errno.EBADF), []);
        }
        var head = new FileWire.IoctlIn
        {
            Handle = file.Handle,
            Command = command,
            InSize = (uint)input.Length,
            OutSize = (uint)outputSize,
        };
        int size = WireBytes.SizeOf<FileWire.IoctlOut>();
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Ioctl, file.Inode.NodeId, WireBytes.Of(head, input),
            new ReplyForm(size + outputSize, MayBeShorter: true), $"IOCTL 0x{command:X}");
        if (!reply.IsOk)
        {
            return (Fail(reply.Error == Errno.ENOSYS ? Errno.ENOTTY : reply.Error), []);
        }
        return (reply.As<FileWire.IoctlOut>().Result, reply.Body[Math.Min(size, reply.Body.Length)..]);
    }

    public async Task<(long Error, TwinStatfs? Statfs)> Statfs()
    {
        Reply reply = await _kernel.Connection.Call(Caller, Opcode.Statfs, _kernel.Options.RootNodeId, [],
            new ReplyForm(StatfsBytes), "STATFS");
        if (!reply.IsOk)
        {
            return (Fail(reply.Error), null);
        }
        NameWire.Statfs answer = reply.As<NameWire.Statfs>();
        return (0, new TwinStatfs(answer.Blocks, answer.FreeBlocks, answer.BlockSize, answer.Files, answer.FreeFiles));
    }

    private async Task<(long Error, TwinStat? Stat)> Stat(Inode inode)
    {
        if (!inode.AttributesAreValid)
        {
            Errno error = await _kernel.Attributes.Getattr(Caller, inode);
            if (error != Errno.Ok)
            {
                return (Fail(error), null);
            }
        }
        return (0, new TwinStat(inode.AttrIno, inode.Mode, inode.Nlink, inode.Uid, inode.Gid, inode.Size, inode.Blocks,
            inode.ReportedAtime, inode.Mtime, inode.Ctime));
    }

    /// <summary>chmod, chown, utimens: dirty data and old times first, then the change.</summary>
    private Task<long> Change(string path, Func<Inode, AttributeWire.SetattrIn> make) => OnInode(path, inode =>
        Locked(inode, async () =>
        {
            if (inode.IsImmutable)
            {
                return Errno.EPERM;
            }
            if (Caller.Uid != 0 && Caller.Uid != inode.Uid)
            {
                return Errno.EPERM;
            }
            if (inode.IsIomap)
            {
                await _kernel.Writeback.Write(Caller, inode, 0, long.MaxValue, waits: true);
                await _kernel.Attributes.FlushTimes(Caller, inode);
            }
            AttributeWire.SetattrIn change = make(inode);
            (Errno error, _) = await _kernel.Attributes.Setattr(Caller, inode, change);
            if (error == Errno.Ok)
            {
                var bits = (SetattrBits)change.Valid;
                inode.Mode = (bits & SetattrBits.Mode) != 0 ? change.Mode : inode.Mode;
                inode.Uid = (bits & SetattrBits.Uid) != 0 ? change.Uid : inode.Uid;
                inode.Gid = (bits & SetattrBits.Gid) != 0 ? change.Gid : inode.Gid;
            }
            return error;
        }));

    private async Task<long> OnInode(string path, Func<Inode, Task<Errno>> body)
    {
        (Errno error, Inode? inode) = await _kernel.Paths.Resolve(Caller, path, follows: true);
        if (error != Errno.Ok || inode is null)
        {
            return Fail(error);
        }
        await _kernel.Syncing.WaitForThaw();
        return Fail(await body(inode));
    }
}

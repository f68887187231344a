using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>Who owns which attribute, GETATTR, SETATTR, the flush of times. Sections 8.2 and 8.3.</summary>
internal sealed class Attributes(TwinKernel kernel)
{
    private const uint PermissionMask = 0xFFF;
    private const ulong RelatimeSeconds = 24 * 3600;
    private const int AttrOutBytes = 104;

    /// <summary>Believes a reply, as far as the server owns what it says.</summary>
    public void Apply(Inode inode, in AttributeWire.Attr attr, ulong valid, uint validNanoseconds, bool raisesDiskSize)
    {
        inode.Nlink = attr.Nlink;
        inode.Blocks = attr.Blocks;
        inode.BlockSize = attr.BlockSize;
        inode.AttrIno = attr.Ino;
        inode.AttributesAreValid = valid > 0 || validNanoseconds > 0;
        if (inode.Told.Changing == 0)
        {
            inode.Mode = (inode.Mode & ~PermissionMask) | (attr.Mode & PermissionMask);
            inode.Uid = attr.Uid;
            inode.Gid = attr.Gid;
        }
        inode.ReportedAtime = new Timestamp(attr.Atime, attr.AtimeNanoseconds);
        if (inode == kernel.Inodes.Root)
        {
            inode.Flags = (AttributeFlags)attr.Flags;
            inode.IsExclusive |= kernel.Quirks.RootIsExclusive && kernel.Session.AttributeFlagsCount
                && (attr.Flags & (uint)AttributeFlags.Exclusive) != 0;
        }
        if (!inode.IsIomap)
        {
            inode.Size = (long)attr.Size;
            inode.DiskSize = inode.Size;
            inode.Atime = inode.ReportedAtime;
            inode.Mtime = new Timestamp(attr.Mtime, attr.MtimeNanoseconds);
            inode.Ctime = new Timestamp(attr.Ctime, attr.CtimeNanoseconds);
        }
        else if (raisesDiskSize && kernel.Quirks.AttributesRaiseDiskSize)
        {
            inode.DiskSize = inode.Size;
        }
    }

    public async Task<Errno> Getattr(Caller caller, Inode inode)
    {
        int version = inode.Told.Version;
        long promised = inode.Told.LostData ? 0 : inode.Told.Size;
        byte[] body = WireBytes.Of(new AttributeWire.GetattrIn());
        Reply reply = await kernel.Connection.Call(caller, Opcode.Getattr, inode.NodeId, body,
            new ReplyForm(AttrOutBytes), "GETATTR");
        if (!reply.IsOk)
        {
            return reply.Error;
        }
        AttributeWire.AttrOut answer = reply.As<AttributeWire.AttrOut>();
        Accept(inode, answer.Attr, answer.AttrValid, answer.AttrValidNanoseconds, version, promised);
        return Errno.Ok;
    }

    /// <summary>An attribute reply to a request that asked for nothing but attributes.</summary>
    public void Accept(Inode inode, in AttributeWire.Attr attr, ulong valid, uint validNanoseconds, int version,
        long promised)
    {
        bool isQuiet = inode.Told.Changing == 0 && inode.Told.Version == version;
        if (inode.IsIomap && isQuiet)
        {
            CheckOwned(inode, attr, promised);
        }
        Apply(inode, attr, valid, validNanoseconds, raisesDiskSize: true);
        inode.Acls.Clear();
    }

    /// <summary>Sends SETATTR; in the trace as the recordings write it.</summary>
    public async Task<(Errno Error, AttributeWire.Attr Attr)> Setattr(Caller caller, Inode inode,
        AttributeWire.SetattrIn change, CallKind kind = CallKind.Killable)
    {
        Told told = inode.Told;
        long promised = told.LostData ? 0 : told.Size;
        told.Changing++;
        told.Version++;
        int version = told.Version;
        Reply reply = await kernel.Connection.Call(caller, Opcode.Setattr, inode.NodeId, WireBytes.Of(change),
            new ReplyForm(AttrOutBytes), Describe(change), kind);
        told.Changing--;
        bool isAlone = told.Version++ == version && told.Changing == 0;
        if (!reply.IsOk)
        {
            return (reply.Error, default);
        }
        Remember(told, change);
        AttributeWire.AttrOut answer = reply.As<AttributeWire.AttrOut>();
        if (inode.IsIomap && (change.Valid & (uint)SetattrBits.Size) != 0 && answer.Attr.Size != change.Size)
        {
            kernel.Rules.Report(RuleBook.SizeAfterSetattr, $"{Describe(change)} was answered {answer.Attr.Size}");
        }
        if (inode.IsIomap && isAlone)
        {
            CheckAnswer(inode, change, answer.Attr, promised);
        }
        Apply(inode, answer.Attr, answer.AttrValid, answer.AttrValidNanoseconds, raisesDiskSize: false);
        return (Errno.Ok, answer.Attr);
    }

    /// <summary>Sends the times that the kernel owns, if they have moved.</summary>
    public async Task<Errno> FlushTimes(Caller caller, Inode inode)
    {
        if (!inode.TimesAreDirty || !inode.IsIomap)
        {
            return Errno.Ok;
        }
        inode.TimesAreDirty = false;
        AttributeWire.SetattrIn change = WithTimes(inode, SetattrBits.TimeFlush);
        (Errno error, _) = await Setattr(caller, inode, change, CallKind.Forced);
        if (error != Errno.Ok && !kernel.Quirks.FailedTimesAreForgotten)
        {
            inode.TimesAreDirty = true;
        }
        return error;
    }

    /// <summary>A SETATTR that carries the inode's own times.</summary>
    public static AttributeWire.SetattrIn WithTimes(Inode inode, SetattrBits bits) => new()
    {
        Valid = (uint)bits,
        Atime = inode.Atime.Seconds,
        AtimeNanoseconds = inode.Atime.Nanoseconds,
        Mtime = inode.Mtime.Seconds,
        MtimeNanoseconds = inode.Mtime.Nanoseconds,
        Ctime = inode.Ctime.Seconds,
        CtimeNanoseconds = inode.Ctime.Nanoseconds,
    };

    /// <summary>Data changed.</summary>
    public void TouchModified(Inode inode)
    {
        inode.Mtime = kernel.Clock.Now();
        inode.Ctime = inode.Mtime;
        inode.TimesAreDirty = inode.IsIomap;
    }

    /// <summary>Names or attributes changed.</summary>
    public void TouchChanged(Inode inode)
    {
        inode.Ctime = kernel.Clock.Now();
        inode.TimesAreDirty = inode.IsIomap;
    }

    /// <summary>Data was read: relatime.</summary>
    public void TouchAccessed(Inode inode)
    {
        if (inode.IsIomap && (inode.Atime <= inode.Mtime || inode.Atime <= inode.Ctime
            || kernel.Clock.Now().Seconds - inode.Atime.Seconds >= RelatimeSeconds))
        {
            inode.Atime = kernel.Clock.Now();
            inode.ReportedAtime = inode.Atime;
            inode.TimesAreDirty = true;
        }
    }

    private void CheckOwned(Inode inode, in AttributeWire.Attr attr, long promised)
    {
        var mtime = new Timestamp(attr.Mtime, attr.MtimeNanoseconds);
        var ctime = new Timestamp(attr.Ctime, attr.CtimeNanoseconds);
        Told told = inode.Told;
        if (mtime != told.Mtime || ctime != told.Ctime)
        {
            kernel.Rules.Report(RuleBook.TimesOwned, $"node {inode.NodeId}: mtime {mtime}, ctime {ctime}; "
                + $"sent were {told.Mtime}, {told.Ctime}");
        }
        if ((attr.Mode & PermissionMask) != (told.Mode & PermissionMask) || attr.Uid != told.Uid || attr.Gid != told.Gid)
        {
            kernel.Rules.Report(RuleBook.ModeStored, $"node {inode.NodeId}: mode {Convert.ToString(attr.Mode, 8)} "
                + $"owner {attr.Uid}:{attr.Gid}; sent were {Convert.ToString(told.Mode, 8)} {told.Uid}:{told.Gid}");
        }
        const AttributeFlags Fixed = AttributeFlags.Exclusive | AttributeFlags.Iomap;
        if (((AttributeFlags)attr.Flags & Fixed) != (inode.Flags & Fixed))
        {
            kernel.Rules.Report(RuleBook.ConstantFlags, $"node {inode.NodeId}: {attr.Flags:x}, was {inode.Flags}");
        }
        if ((long)attr.Size < promised && !told.LostData)
        {
            kernel.Rules.Report(RuleBook.PersistedSize,
                $"node {inode.NodeId}: size {attr.Size}, but {promised} was to be persisted");
        }
    }

    /// <summary>What SETATTR's reply must say already.</summary>
    private void CheckAnswer(Inode inode, in AttributeWire.SetattrIn change, in AttributeWire.Attr attr, long promised)
    {
        if ((change.Valid & (uint)SetattrBits.Mode) != 0 && ((attr.Mode ^ change.Mode) & PermissionMask) != 0)
        {
            kernel.Rules.Report(RuleBook.ModeStored, $"{Describe(change)} was answered {Convert.ToString(attr.Mode, 8)}");
        }
        if ((change.Valid & (uint)SetattrBits.Size) == 0 && (long)attr.Size < promised && !inode.Told.LostData)
        {
            kernel.Rules.Report(RuleBook.PersistedSize,
                $"{Describe(change)} was answered size {attr.Size}, but {promised} was to be persisted");
        }
    }

    private static void Remember(Told told, in AttributeWire.SetattrIn change)
    {
        var bits = (SetattrBits)change.Valid;
        told.Mtime = (bits & SetattrBits.Mtime) != 0 ? new Timestamp(change.Mtime, change.MtimeNanoseconds) : told.Mtime;
        told.Ctime = (bits & SetattrBits.Ctime) != 0 ? new Timestamp(change.Ctime, change.CtimeNanoseconds) : told.Ctime;
        told.Mode = (bits & SetattrBits.Mode) != 0 ? change.Mode : told.Mode;
        told.Uid = (bits & SetattrBits.Uid) != 0 ? change.Uid : told.Uid;
        told.Gid = (bits & SetattrBits.Gid) != 0 ? change.Gid : told.Gid;
        if ((bits & SetattrBits.Size) != 0)
        {
            told.Size = (long)change.Size;
            told.LostData = false;
        }
    }

    private static string Describe(in AttributeWire.SetattrIn change)
    {
        var bits = (SetattrBits)change.Valid;
        if (bits == SetattrBits.TimeFlush)
        {
            return "SA(T)";
        }
        string text = $"SA(0x{change.Valid:x})";
        text += (bits & SetattrBits.Size) != 0 ? $" size {change.Size}" : "";
        return text + ((bits & SetattrBits.Mode) != 0 ? $" mode 0{Convert.ToString(change.Mode, 8)}" : "");
    }
}

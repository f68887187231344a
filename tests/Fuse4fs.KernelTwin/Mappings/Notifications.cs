using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Messages of the server's own: what write(2) returns for each, and what they do. Sections 7.3, 7.5, 7.6,
/// traces 9.</summary>
internal sealed class Notifications(TwinKernel kernel)
{
    private const ulong ToEnd = ulong.MaxValue;
    private int _count;

    public Errno Handle(NotifyCode code, byte[] body)
    {
        Errno fault = kernel.Faults.OnNotification?.Invoke(code, _count++) ?? Errno.Ok;
        if (fault != Errno.Ok)
        {
            return fault;
        }
        if (kernel.Connection.State != ConnectionState.Ready)
        {
            bool isBase = code == NotifyCode.InvalInode && kernel.Connection.State == ConnectionState.Configuring;
            if (!(isBase && kernel.Quirks.InvalInodeDuringConfig))
            {
                kernel.Rules.Report(RuleBook.EarlyNotification, code.ToString());
                return Errno.EINVAL;
            }
        }
        Errno error = Take(code, body);
        if (error == Errno.Ok)
        {
            kernel.Notifications.Add(code);
        }
        return error;
    }

    private Errno Take(NotifyCode code, byte[] body) => code switch
    {
        NotifyCode.UpsertMappings => Upsert(body),
        NotifyCode.InvalMappings => Invalidate(body),
        NotifyCode.BackingInval => DropBacking(body),
        NotifyCode.InvalInode => InvalidateInode(body),
        NotifyCode.InvalEntry or NotifyCode.Delete => InvalidateEntry(body, code),
        NotifyCode.Store or NotifyCode.Retrieve => Errno.EOPNOTSUPP,
        NotifyCode.Poll or NotifyCode.Resend or NotifyCode.IncrementEpoch or NotifyCode.Prune => Errno.Ok,
        _ => Errno.EINVAL,
    };

    private Errno Upsert(byte[] body)
    {
        if (body.Length != WireBytes.SizeOf<IomapWire.Upsert>())
        {
            return Refuse(RuleBook.ReplySize, $"upsert of {body.Length} bytes", Errno.EINVAL);
        }
        IomapWire.Upsert upsert = WireBytes.Read<IomapWire.Upsert>(body);
        Errno error = Find(upsert.NodeId, upsert.AttrIno, out Inode? inode);
        if (error != Errno.Ok || inode is null)
        {
            return error;
        }
        error = CheckUpsert(inode, upsert.Read, isWriteSlot: false);
        if (error != Errno.Ok)
        {
            return error;
        }
        uint limit = kernel.Config.CacheMaxBytes;
        inode.Mappings ??= new MappingCache();
        Mapping read = kernel.Revision.Decode(upsert.Read);
        if (read.Type != MappingType.NoCache)
        {
            inode.Mappings.UpsertRead(read, limit);
        }
        error = CheckUpsert(inode, upsert.Write, isWriteSlot: true);
        if (error != Errno.Ok)
        {
            return error;
        }
        Mapping write = kernel.Revision.Decode(upsert.Write);
        if (write.Type != MappingType.NoCache)
        {
            inode.Mappings.UpsertWrite(write, limit);
        }
        kernel.Notifications.OnUpload?.Invoke(inode.NodeId, read);
        return Errno.Ok;
    }

    private Errno CheckUpsert(Inode inode, in IomapWire.Record record, bool isWriteSlot)
    {
        string text = $"upsert for node {inode.NodeId}: type {record.Type} {record.Offset}+{record.Length}";
        Rule? broken = kernel.MappingRules.CheckSlot(record, isWriteSlot, inode);
        if (broken is not null)
        {
            return Refuse(broken, text, Errno.EUCLEAN);
        }
        Mapping mapping = kernel.Revision.Decode(record);
        if (mapping.Type == MappingType.RetryCache || mapping.IsStripe)
        {
            return Refuse(RuleBook.UpsertType, text, Errno.EUCLEAN);
        }
        if (!mapping.HasAddress)
        {
            return Errno.Ok;
        }
        if (kernel.Backing.Device(mapping.Device) is not { } device)
        {
            return Refuse(RuleBook.KnownDevice, text, Errno.EUCLEAN);
        }
        ulong size = (ulong)device.Storage.LengthBytes;
        if (size == 0)
        {
            return Errno.EINVAL;
        }
        if (mapping.Address >= size || mapping.Address + (ulong)mapping.Length > size)
        {
            return Refuse(RuleBook.UpsertRange, text, Errno.EUCLEAN);
        }
        kernel.Agreement.CheckAddress(mapping, text);
        if (inode.Ioends.Count == 0 && inode.DirectIo.Count == 0 && inode.Told.Changing == 0)
        {
            kernel.Agreement.CheckWritten(inode, mapping, kernel.NextStamp(), text);
        }
        kernel.BlockUsers.Check(inode, mapping);
        return Errno.Ok;
    }

    private Errno Invalidate(byte[] body)
    {
        if (body.Length != WireBytes.SizeOf<IomapWire.Invalidate>())
        {
            return Refuse(RuleBook.ReplySize, $"inval of {body.Length} bytes", Errno.EINVAL);
        }
        IomapWire.Invalidate inval = WireBytes.Read<IomapWire.Invalidate>(body);
        Errno error = Find(inval.NodeId, inval.AttrIno, out Inode? inode);
        if (error != Errno.Ok || inode is null)
        {
            return error;
        }
        if (!IsInvalRange(inval.ReadOffset, inval.ReadLength) || !IsInvalRange(inval.WriteOffset, inval.WriteLength))
        {
            return Refuse(RuleBook.InvalRange, $"node {inval.NodeId}: {inval.ReadOffset}+{inval.ReadLength}, "
                + $"{inval.WriteOffset}+{inval.WriteLength}", Errno.EUCLEAN);
        }
        if (inode.Mappings is { } cache)
        {
            if (inval.ReadLength > 0)
            {
                cache.RemoveRead((long)inval.ReadOffset, EndOf(inval.ReadOffset, inval.ReadLength));
            }
            if (inval.WriteLength > 0)
            {
                cache.RemoveWrite((long)inval.WriteOffset, EndOf(inval.WriteOffset, inval.WriteLength));
            }
        }
        return Errno.Ok;
    }

    private bool IsInvalRange(ulong offset, ulong length)
    {
        if (length == 0)
        {
            return true;
        }
        ulong block = (ulong)kernel.Config.BlockSize;
        return length == ToEnd ? offset % block == 0 && offset < (ulong)kernel.Config.MaxBytes
            : kernel.MappingRules.IsRange(offset, length);
    }

    private static long EndOf(ulong offset, ulong length) =>
        length > long.MaxValue - offset ? long.MaxValue : (long)(offset + length);

    private Errno DropBacking(byte[] body)
    {
        if (body.Length != WireBytes.SizeOf<IomapWire.BackingInvalidate>())
        {
            return Refuse(RuleBook.ReplySize, $"backing inval of {body.Length} bytes", Errno.EINVAL);
        }
        IomapWire.BackingInvalidate drop = WireBytes.Read<IomapWire.BackingInvalidate>(body);
        string text = $"device {drop.Device} {drop.Offset}+{drop.Length}";
        if (!kernel.Session.IsIomapAccepted || drop.Device == 0 || drop.Reserved != 0)
        {
            return Refuse(RuleBook.BackingRange, text, Errno.EINVAL);
        }
        if (kernel.Backing.Device(drop.Device) is not { } device)
        {
            return Refuse(RuleBook.BackingRange, text, Errno.ENODEV);
        }
        if (drop.Length == 0)
        {
            return Errno.Ok;
        }
        if (drop.Offset >= (ulong)device.Storage.LengthBytes || drop.Offset + drop.Length < drop.Offset)
        {
            return Refuse(RuleBook.BackingRange, text, Errno.EINVAL);
        }
        kernel.Backing.Dropped.Add((drop.Device, drop.Offset, drop.Length));
        return Errno.Ok;
    }

    private Errno InvalidateInode(byte[] body)
    {
        IomapWire.InvalInode inval = WireBytes.Read<IomapWire.InvalInode>(body);
        if (kernel.Inodes.Find(inval.NodeId) is not { } inode)
        {
            return Errno.ENOENT;
        }
        CheckDeadlock(inval.NodeId, "INVAL_INODE");
        inode.AttributesAreValid = false;
        inode.Acls.Clear();
        return Errno.Ok;
    }

    private Errno InvalidateEntry(byte[] body, NotifyCode code)
    {
        IomapWire.InvalEntry inval = WireBytes.Read<IomapWire.InvalEntry>(body);
        int head = code == NotifyCode.Delete ? 24 : WireBytes.SizeOf<IomapWire.InvalEntry>();
        if (body.Length < head || kernel.Inodes.Find(inval.Parent) is not { } directory)
        {
            return Errno.ENOENT;
        }
        CheckDeadlock(inval.Parent, code.ToString());
        directory.AttributesAreValid = false;
        return directory.Children.Remove(WireBytes.NameAt(body, head, out _)) ? Errno.Ok : Errno.ENOENT;
    }

    /// <summary>Inside the handler of a request the kernel holds locks that these notifications wait for.</summary>
    private void CheckDeadlock(ulong nodeId, string text)
    {
        if (kernel.Scheduler.Pump is not null
            && kernel.Connection.Unanswered.Any(request => request.NodeId == nodeId && request.Opcode != Opcode.Getattr))
        {
            kernel.Rules.Report(RuleBook.Deadlock, $"{text} for node {nodeId}");
        }
    }

    private Errno Find(ulong nodeId, ulong attrIno, out Inode? inode)
    {
        inode = kernel.Inodes.Find(nodeId);
        if (!kernel.Session.IsIomapAccepted)
        {
            return Errno.EINVAL;
        }
        if (inode is null)
        {
            return Errno.ESTALE;
        }
        if (inode.IsBad)
        {
            return Errno.EIO;
        }
        bool fits = inode.AttrIno == attrIno && (inode.Flags & AttributeFlags.Iomap) != 0;
        return fits ? Errno.Ok
            : Refuse(RuleBook.NotificationTarget, $"node {nodeId} attr_ino {attrIno}", Errno.EINVAL);
    }

    private Errno Refuse(Rule rule, string text, Errno error)
    {
        kernel.Rules.Report(rule, text);
        return error;
    }
}

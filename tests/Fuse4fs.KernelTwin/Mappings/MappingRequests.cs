using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>IOMAP_BEGIN and IOMAP_END: from the cache or from the server, validated. Sections 6.2, 6.3, 7.4.</summary>
internal sealed class MappingRequests(TwinKernel kernel)
{
    private const int BeginOutBytes = 64;
    private bool _endIsUnknown;

    public async Task<(Errno Error, Found? Found)> Begin(Caller caller, Inode inode, OperationFlags operation,
        long position, long count)
    {
        if (Cached(inode, operation, position) is { } cached)
        {
            return (CheckUse(inode, cached), cached);
        }
        for (int attempt = 0; ; attempt++)
        {
            if (attempt > kernel.Options.MostRetries)
            {
                kernel.Rules.Report(RuleBook.Starvation, $"B({Notation.Of(operation)}) {position}+{count}");
                return (Errno.EINTR, null);
            }
            (Errno error, Found? found) = await Ask(caller, inode, operation, position, count);
            if (error != Errno.Ok || found is null)
            {
                return (error, null);
            }
            if (found.Read.Type != MappingType.RetryCache && found.Write.Type != MappingType.RetryCache)
            {
                return (CheckUse(inode, found), found);
            }
            if (Cached(inode, operation, position) is { } retried)
            {
                return (CheckUse(inode, retried), retried);
            }
            if (caller.IsKilled)
            {
                return (Errno.EINTR, null);
            }
        }
    }

    /// <summary>Sends END if there is one to send.</summary>
    public async Task<Errno> End(Caller caller, Inode inode, Found found, long position, long count, Step step)
    {
        Mapping target = found.Target;
        OperationFlags operation = found.Operation;
        bool writes = (operation & OperationFlags.WriteClass) != 0;
        bool isWriteback = (operation & OperationFlags.Writeback) != 0;
        bool wanted = kernel.Quirks.WantEndWorks && (target.Flags & MappingFlags.WantEnd) != 0;
        bool told = writes && ((step.Flags & MappingFlags.SizeChanged) != 0 || step.Written < count);
        if (_endIsUnknown || target.Type == MappingType.Inline || (operation & OperationFlags.SwapFile) != 0
            || (isWriteback && !kernel.Quirks.WritebackEnds) || !(wanted || told))
        {
            return Errno.Ok;
        }
        var end = new IomapWire.EndIn
        {
            OperationFlags = kernel.Revision.EncodeOperation(operation),
            AttrIno = inode.AttrIno,
            Position = (ulong)position,
            Count = (ulong)count,
            Written = step.Written,
            Map = kernel.Revision.Encode(Member(target) with { Flags = target.Flags | step.Flags }),
        };
        string text = $"E({Notation.Of(operation)}) {position}+{count} w={step.Written} {Notation.End(target, step.Flags)}";
        CallKind kind = isWriteback || !kernel.Quirks.EndIsLostWhenKilled ? CallKind.Forced : CallKind.Killable;
        Reply reply = await kernel.Connection.Call(caller, Opcode.IomapEnd, inode.NodeId, WireBytes.Of(end),
            ReplyForm.Empty, text, kind);
        if (reply.Error == Errno.ENOSYS)
        {
            _endIsUnknown = true;
            return Errno.Ok;
        }
        if (isWriteback && !reply.IsOk && reply.Error != Errno.ENOTCONN)
        {
            kernel.Rules.Report(RuleBook.EndAnswer, $"{text}: {reply.Error}");
        }
        return reply.Error;
    }

    /// <summary>Whether a mapping from the cache still is what the cache says.</summary>
    public static bool IsCurrent(Inode inode, Found found) =>
        found.Sequence is null || inode.Mappings?.Sequence == found.Sequence;

    private Found? Cached(Inode inode, OperationFlags operation, long position)
    {
        if (inode.Mappings is null || kernel.MappingRules.IsUncached(operation))
        {
            return null;
        }
        return inode.Mappings.Find(position, operation) is { } pair
            ? new Found(operation, pair.Read, pair.Write, inode.Mappings.Sequence) : null;
    }

    private async Task<(Errno Error, Found? Found)> Ask(Caller caller, Inode inode, OperationFlags operation,
        long position, long count)
    {
        var begin = new IomapWire.BeginIn
        {
            OperationFlags = kernel.Revision.EncodeOperation(operation),
            AttrIno = inode.AttrIno,
            Position = (ulong)position,
            Count = (ulong)count,
        };
        long stamp = kernel.NextStamp();
        bool isForced = (operation & OperationFlags.Writeback) != 0;
        Reply reply = await kernel.Connection.Call(caller, Opcode.IomapBegin, inode.NodeId, WireBytes.Of(begin),
            new ReplyForm(BeginOutBytes), $"B({Notation.Of(operation)}) {position}+{count}",
            isForced ? CallKind.Forced : CallKind.Killable);
        if (!reply.IsOk)
        {
            if (reply.Error == Errno.ENOTBLK)
            {
                kernel.Rules.Report(RuleBook.NoEnotblk, reply.Entry.Request);
            }
            return (reply.Error, null);
        }
        IomapWire.BeginOut answer = reply.As<IomapWire.BeginOut>();
        Rule? broken = kernel.MappingRules.CheckSlot(answer.Read, isWriteSlot: false, inode)
            ?? kernel.MappingRules.CheckSlot(answer.Write, isWriteSlot: true, inode);
        Found? found = null;
        if (broken is null)
        {
            found = new Found(operation, kernel.Revision.Decode(answer.Read), kernel.Revision.Decode(answer.Write), null);
            broken = kernel.MappingRules.CheckReply(found, position);
            reply.Entry.Answer = Notation.Answer(found.Read, found.Write);
        }
        broken ??= kernel.MappingRules.CheckStripe(found!.Target);
        if (broken is not null)
        {
            reply.Entry.Answer = $"=> {Errno.EUCLEAN}";
            kernel.Rules.Report(broken, $"{reply.Entry.Request}: read {Describe(answer.Read)}, "
                + $"write {Describe(answer.Write)}");
            return (Errno.EUCLEAN, null);
        }
        kernel.Agreement.CheckAnswer(inode, found!, stamp, reply.Entry.Request);
        return (Errno.Ok, found! with { Read = Cut(found.Read, position), Write = Cut(found.Write, position) });
    }

    /// <summary>Failures that are not EFSCORRUPTED: the end of section 6.2's list.</summary>
    private Errno CheckUse(Inode inode, Found found)
    {
        OperationFlags operation = found.Operation;
        Mapping target = found.Target;
        if ((operation & OperationFlags.Atomic) != 0 && kernel.Quirks.AtomicNeedsAtomicBio
            && (!target.HasAddress || target.IsStripe || (target.Flags & MappingFlags.AtomicBio) == 0))
        {
            kernel.Rules.Report(RuleBook.AtomicTarget, $"node {inode.NodeId}: {target}");
            return Errno.EIO;
        }
        if (target.Type == MappingType.Inline
            && (target.Length > kernel.Config.BlockSize || target.Offset != 0))
        {
            kernel.Rules.Report(RuleBook.InlineShape, $"node {inode.NodeId}: {target}");
            return target.Length > kernel.Config.BlockSize ? Errno.ENOMEM : Errno.EIO;
        }
        if (kernel.Quirks.OpenModeIsChecked && target.HasAddress && !target.IsStripe
            && kernel.Backing.Device(target.Device) is { } device)
        {
            bool writes = (operation & OperationFlags.WriteClass) != 0;
            if (!device.Descriptor.CanRead || (writes && !device.Descriptor.CanWrite))
            {
                kernel.Rules.Report(RuleBook.DeviceMode, $"node {inode.NodeId}: {operation} on device {device.Id}");
                return Errno.EACCES;
            }
        }
        return Errno.Ok;
    }

    /// <summary>A mapping on a stripe set begins with the position's block and ends with its strip. Section 11.</summary>
    private Mapping Cut(in Mapping mapping, long position)
    {
        if (!mapping.IsStripe || kernel.Backing.Stripes(mapping.Device) is not { } set)
        {
            return mapping;
        }
        long start = position / kernel.Config.BlockSize * kernel.Config.BlockSize;
        (_, _, long rest) = set.Resolve(mapping.AddressOf(start));
        return mapping.Part(start, Math.Min(mapping.End, start + rest));
    }

    /// <summary>What END and IOEND name: for a stripe the member it lies on.</summary>
    private Mapping Member(in Mapping mapping)
    {
        if (!mapping.IsStripe || kernel.Backing.Stripes(mapping.Device) is not { } set)
        {
            return mapping;
        }
        (Mounting.BackingDevice device, ulong address, _) = set.Resolve(mapping.Address);
        return mapping with { Device = device.Id, Address = address };
    }

    private static string Describe(in IomapWire.Record record) => $"{{type {record.Type} flags {record.Flags:x} "
        + $"{record.Offset}+{record.Length} at {record.Address:x} dev {record.Device}}}";
}

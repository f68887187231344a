using System.Runtime.CompilerServices;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>What must hold for a mapping before it goes to the kernel: what that checks, and what it does not check but
/// loses data by.</summary>
/// <remarks>A rule that is broken is a bug of the file system: reported, and never sent. Nearly all mappings are
/// blocks of a device, to be read and written in place: whether all is right with such a one is asked at once, and only
/// for others what is wrong.</remarks>
internal sealed class MappingRules(IomapRevision revision, DeviceTable devices)
{
    private const long SectorBytes = 512;

    private const MappingFlags Allowed = MappingFlags.FromServer & ~MappingFlags.AnonymousWrite;

    private long _blockMask = SectorBytes - 1;

    /// <summary>Set when CONFIG is answered.</summary>
    public long MaxFileBytes { get; private set; } = long.MaxValue;

    public void Settle(int blockSizeBytes, long maxFileBytes)
    {
        _blockMask = blockSizeBytes - 1;
        MaxFileBytes = maxFileBytes;
    }

    /// <summary>Whether an answer to BEGIN is one of those, with nothing wrong. All others need
    /// <see cref="CheckReply"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsPlainReply(in BeginRequest request, in BeginReply reply)
        => AreBlocks(in reply.Source) && IsInPlace(in reply) && Covers(in reply.Source, request.Offset)
            && (request.Operation & IomapOperation.Atomic) == 0;

    /// <summary>Both parts of an answer to BEGIN.</summary>
    public MappingFault CheckReply(in BeginRequest request, in BeginReply reply)
    {
        MappingFault fault = Check(in reply.Source, isTarget: false);
        if (fault == MappingFault.None)
        {
            fault = Check(in reply.Target, isTarget: true);
        }
        if (fault != MappingFault.None)
        {
            return fault;
        }
        if (reply.Source.Kind == MappingKind.NoCache || reply.Target.Kind == MappingKind.NoCache)
        {
            return MappingFault.WrongPlace;
        }
        if (!Covers(in reply.Source, request.Offset) || !Covers(in reply.Target, request.Offset))
        {
            return MappingFault.MissesOffset;
        }
        bool isInPlace = !request.IsWriteClass || reply.Target.Kind == MappingKind.PureOverwrite;
        return CheckUse(request.Operation, in isInPlace ? ref reply.Source : ref reply.Target);
    }

    /// <summary>A mapping for the cache.</summary>
    public MappingFault CheckUpload(in Mapping mapping)
    {
        MappingFault fault = Check(in mapping, isTarget: false);
        return fault != MappingFault.None ? fault
            : mapping.Kind == MappingKind.NoCache ? MappingFault.WrongPlace
            : mapping.Device.IsStripeSet ? MappingFault.StripedUpload
            : MappingFault.None;
    }

    /// <summary>Whether a range can be named in a message at all.</summary>
    public bool IsRange(long offset, long length)
        => offset >= 0 && length > 0 && ((offset | length) & _blockMask) == 0
            && offset < MaxFileBytes && length <= long.MaxValue - offset;

    /// <summary>Whether a mapping is one of blocks on a device, and right in all respects: no need to ask what is wrong.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool AreBlocks(in Mapping mapping)
        => mapping.HasAddress && !mapping.Device.IsStripeSet
            && (mapping.Flags & ~Allowed) == 0
            && ((mapping.Offset | mapping.Length) & _blockMask) == 0
            && (ulong)mapping.Offset < (ulong)MaxFileBytes
            && (ulong)(mapping.Length - 1) < (ulong)(long.MaxValue - mapping.Offset)
            && mapping.Address >= 0 && (mapping.Address & (SectorBytes - 1)) == 0
            && devices.TryFind(mapping.Device, out long deviceBytes) && mapping.Length <= deviceBytes - mapping.Address;

    /// <summary>Whether the target says no more than "where the source is".</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsInPlace(in BeginReply reply)
        => reply.Target.Kind == MappingKind.PureOverwrite && reply.Target.Offset == reply.Source.Offset
            && reply.Target.Length == reply.Source.Length && reply.Target.Address == Mapping.NoAddress
            && reply.Target.Device == BackingId.None && reply.Target.Flags == MappingFlags.None;

    private MappingFault Check(in Mapping mapping, bool isTarget)
    {
        if (!revision.TryEncode(mapping.Kind, mapping.Device.IsStripeSet, out _))
        {
            return MappingFault.UnknownKind;
        }
        if ((mapping.Flags & ~Allowed) != 0)
        {
            return MappingFault.ForbiddenFlags;
        }
        if (!IsRange(mapping.Offset, mapping.Length))
        {
            return MappingFault.BadRange;
        }
        if (mapping.HasAddress)
        {
            return CheckAddress(in mapping);
        }
        if (mapping.Device != BackingId.None || mapping.Address != Mapping.NoAddress)
        {
            return MappingFault.NeedlessAddress;
        }
        return mapping.Kind switch
        {
            MappingKind.PureOverwrite when !isTarget => MappingFault.WrongPlace,
            MappingKind.PureOverwrite or MappingKind.NoCache when mapping.Flags != 0 => MappingFault.ForbiddenFlags,
            MappingKind.Inline when mapping.Offset != 0 || mapping.Length != _blockMask + 1 => MappingFault.BadInline,
            _ => MappingFault.None,
        };
    }

    private MappingFault CheckAddress(in Mapping mapping)
    {
        if (mapping.Device == BackingId.None || mapping.Address == Mapping.NoAddress)
        {
            return MappingFault.NoAddress;
        }
        if (!devices.TryFind(mapping.Device, out long deviceBytes))
        {
            return MappingFault.UnknownDevice;
        }
        if (mapping.Device.IsStripeSet && (mapping.Flags & MappingFlags.AtomicDevice) != 0)
        {
            return MappingFault.ForbiddenFlags;
        }
        bool isInside = mapping.Address >= 0 && mapping.Address % SectorBytes == 0
            && mapping.Length <= deviceBytes - mapping.Address;
        return isInside ? MappingFault.None : MappingFault.BadAddress;
    }

    /// <summary>Whether the operation can work with the mapping that it will work on.</summary>
    private static MappingFault CheckUse(IomapOperation operation, in Mapping mapping)
    {
        bool isFit = mapping.Kind switch
        {
            MappingKind.Hole => (operation & (IomapOperation.Write | IomapOperation.WriteBack)) == 0,
            MappingKind.Delayed => (operation & (IomapOperation.Direct | IomapOperation.WriteBack)) == 0,
            MappingKind.Inline => (operation & (IomapOperation.Fault | IomapOperation.WriteBack)) == 0,
            MappingKind.Written or MappingKind.Unwritten => true,
            _ => false,
        };
        if (!isFit)
        {
            return MappingFault.UnfitForOperation;
        }
        bool needsAtomic = (operation & IomapOperation.Atomic) != 0;
        return needsAtomic && (!mapping.HasAddress || (mapping.Flags & MappingFlags.AtomicDevice) == 0)
            ? MappingFault.NotAtomic
            : MappingFault.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Covers(in Mapping mapping, long offset)
        => mapping.Offset <= offset && offset - mapping.Offset < mapping.Length;
}

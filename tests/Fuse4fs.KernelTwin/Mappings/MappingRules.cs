using Fuse4fs.KernelTwin.Inodes;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>The validation of section 6.2. Each method returns the rule that is broken, or null.</summary>
internal sealed class MappingRules(TwinKernel kernel)
{
    /// <summary>Rules 1 to 7, for one slot.</summary>
    public Rule? CheckSlot(in IomapWire.Record record, bool isWriteSlot, Inode inode)
    {
        MappingType type = kernel.Revision.DecodeType(record.Type);
        bool keepsFlags = type == MappingType.PureOverwrite && kernel.Quirks.PureOverwriteFlagsAreAccepted;
        if (type == MappingType.Unknown || (record.Flags & ~(ushort)MappingFlags.FromServer) != 0)
        {
            return RuleBook.KnownType;
        }
        if (!IsRange(record.Offset, record.Length))
        {
            return RuleBook.Alignment;
        }
        bool isEmpty = record.Device == 0 && record.Address == Mapping.NullAddress;
        switch (type)
        {
            case MappingType.Mapped or MappingType.Unwritten or MappingType.MappedStripe
                or MappingType.UnwrittenStripe when record.Device == 0 || record.Address == Mapping.NullAddress:
                return RuleBook.NeedsAddress;
            case MappingType.Hole or MappingType.Delalloc or MappingType.Inline when !isEmpty:
                return RuleBook.NeedsNoAddress;
            case MappingType.PureOverwrite when !isWriteSlot || !isEmpty || (record.Flags != 0 && !keepsFlags):
                return RuleBook.PureOverwrite;
            case MappingType.RetryCache or MappingType.NoCache when !isEmpty || record.Flags != 0:
            case MappingType.RetryCache when inode.Mappings is null:
                return RuleBook.RetryCache;
            default:
                bool overflows = record.Device != 0 && record.Address + record.Length < record.Address;
                return overflows ? RuleBook.AddressOverflow : null;
        }
    }

    /// <summary>Rule 2: length > 0, aligned, no overflow, below the largest file.</summary>
    public bool IsRange(ulong offset, ulong length)
    {
        ulong mask = (ulong)kernel.Config.BlockSize - 1;
        return length > 0 && (offset & mask) == 0 && (length & mask) == 0 && offset + length >= offset
            && offset < (ulong)kernel.Config.MaxBytes;
    }

    /// <summary>Rules 8 to 11, for a reply to BEGIN whose slots passed rules 1 to 7.</summary>
    public Rule? CheckReply(in Found found, long position)
    {
        if (found.Read.Type == MappingType.NoCache || found.Write.Type == MappingType.NoCache)
        {
            return RuleBook.NoCacheInReply;
        }
        if (!found.Read.Contains(position) || !found.Write.Contains(position))
        {
            return RuleBook.CoversPosition;
        }
        if (IsUncached(found.Operation) && found.Read.Type == MappingType.RetryCache)
        {
            return RuleBook.RetryUncached;
        }
        bool retries = found.Read.Type == MappingType.RetryCache || found.Write.Type == MappingType.RetryCache;
        return !retries && (!IsKnownDevice(found.Target) || !IsKnownDevice(found.Source)) ? RuleBook.KnownDevice : null;
    }

    /// <summary>Operations that do not look into the cache.</summary>
    public bool IsUncached(OperationFlags operation) =>
        (operation & (OperationFlags.Atomic | OperationFlags.SwapFile)) != 0
        || ((operation & OperationFlags.Report) != 0 && !kernel.Quirks.ReportUsesCache);

    /// <summary>Stripe types: the alignment rules of section 11.</summary>
    public Rule? CheckStripe(in Mapping mapping)
    {
        if (!mapping.IsStripe || kernel.Backing.Stripes(mapping.Device) is not { } set)
        {
            return null;
        }
        ulong block = (ulong)kernel.Config.BlockSize;
        bool aligned = (ulong)set.Width % block == 0 && set.Strips.All(strip => strip.Address % block == 0);
        bool plain = (mapping.Flags & (MappingFlags.AnonymousWrite | MappingFlags.AtomicBio)) == 0;
        return aligned && plain ? null : RuleBook.StripeShape;
    }

    private bool IsKnownDevice(in Mapping mapping) => !mapping.HasAddress
        || (mapping.IsStripe ? kernel.Backing.Stripes(mapping.Device) is not null
            : kernel.Backing.Device(mapping.Device) is not null);
}

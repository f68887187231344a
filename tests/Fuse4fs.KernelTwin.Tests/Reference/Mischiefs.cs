using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Tests.Reference;

/// <summary>Wrong answers to BEGIN.</summary>
internal static class Mischiefs
{
    /// <summary>Wrong facts.</summary>
    public static Mapping Spoil(Mischief mischief, OperationFlags operation, Mapping mapping, int blockSize, long position)
    {
        bool isWriteback = (operation & OperationFlags.Writeback) != 0;
        switch (mischief)
        {
            case Mischief.HoleToWriteback when isWriteback:
                return new Mapping(mapping.Offset, mapping.Length, Mapping.NullAddress, MappingType.Hole, 0, 0);
            case Mischief.FreshMappedWithoutNew or Mischief.UnwrittenReportedMapped
                when mapping.Type == MappingType.Unwritten && (mischief == Mischief.UnwrittenReportedMapped
                    || (operation & OperationFlags.Write) != 0):
                return mapping with { Type = MappingType.Mapped };
            case Mischief.AddressBeyondDevice when mapping.HasAddress:
                return mapping with { Address = 1UL << 40 };
            case Mischief.MisalignedAddress when mapping.HasAddress:
                return mapping with { Address = mapping.Address + 100 };
            case Mischief.AddressOffByOneBlock when mapping.HasAddress && isWriteback:
                return mapping with { Address = mapping.Address + (ulong)blockSize };
            case Mischief.MappingBesidePosition when mapping.Length > blockSize && position >= mapping.Offset + blockSize:
                return mapping.Part(mapping.Offset, mapping.Offset + blockSize);
            case Mischief.DirtySwapFile when (operation & OperationFlags.SwapFile) != 0:
                return mapping with { Flags = MappingFlags.Dirty };
            case Mischief.InlineTooLong when mapping.Type == MappingType.Inline:
                return mapping with { Length = 2 * blockSize };
            default:
                return mapping;
        }
    }

    /// <summary>Wrong bytes.</summary>
    public static IomapWire.BeginOut Spoil(Mischief mischief, OperationFlags operation, Revision revision, RefNode node,
        IomapWire.BeginOut answer, int blockSize)
    {
        switch (mischief)
        {
            case Mischief.UnalignedLengthAtEof when node.Size > 0 && node.Size % blockSize != 0
                && answer.Read.Offset < (ulong)node.Size && answer.Read.Offset + answer.Read.Length > (ulong)node.Size:
                answer.Read.Length = (ulong)node.Size - answer.Read.Offset;
                return answer;
            case Mischief.WrongNullAddress when answer.Read.Device == 0:
                answer.Read.Address = 0;
                return answer;
            case Mischief.EmptyWriteSlot:
                answer.Write = default;
                return answer;
            case Mischief.KernelFlagSet:
                answer.Read.Flags |= 0x100;
                return answer;
            case Mischief.UnknownDevice when answer.Read.Device != 0:
                answer.Read.Device = 77;
                return answer;
            case Mischief.UnknownType:
                answer.Read.Type = 99;
                return answer;
            case Mischief.PureOverwriteInReadSlot:
                answer.Read = answer.Write;
                return answer;
            case Mischief.RetryWithoutCache:
                answer.Read = answer.Write;
                answer.Read.Type = revision.RetryCache;
                return answer;
            case Mischief.NoCacheInReply when (operation & OperationFlags.Write) != 0:
                answer.Write.Type = revision.NoCache;
                return answer;
            default:
                return answer;
        }
    }
}

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>The numbers in which one posting of the patches differs from another.</summary>
/// <param name="Name">"v8" or "v9".</param>
/// <param name="PureOverwrite">Wire number of the type; so the next four, 0 where it does not exist.</param>
/// <param name="WritebackBit">Operation bit of write-back.</param>
/// <param name="SwapFileBit">Operation bit of swapon.</param>
public sealed record Revision(string Name, ushort PureOverwrite, ushort RetryCache, ushort NoCache, ushort MappedStripe,
    ushort UnwrittenStripe, uint WritebackBit, uint SwapFileBit)
{
    public static Revision V8 { get; } = new("v8", 255, 254, 253, 0, 0, 0x80000000, 0x40000000);

    public static Revision V9 { get; } = new("v9", 65535, 65534, 65533, 65532, 65531, 0x800, 0x80000000);

    /// <summary>Whether stripe sets exist.</summary>
    public bool HasStripes => MappedStripe != 0;

    public MappingType DecodeType(ushort raw) => raw switch
    {
        <= 4 => (MappingType)raw,
        _ when raw == PureOverwrite => MappingType.PureOverwrite,
        _ when raw == RetryCache => MappingType.RetryCache,
        _ when raw == NoCache => MappingType.NoCache,
        _ when HasStripes && raw == MappedStripe => MappingType.MappedStripe,
        _ when HasStripes && raw == UnwrittenStripe => MappingType.UnwrittenStripe,
        _ => MappingType.Unknown,
    };

    public ushort EncodeType(MappingType type) => type switch
    {
        MappingType.PureOverwrite => PureOverwrite,
        MappingType.RetryCache => RetryCache,
        MappingType.NoCache => NoCache,
        MappingType.MappedStripe => MappedStripe,
        MappingType.UnwrittenStripe => UnwrittenStripe,
        MappingType.Unknown => 77,
        _ => (ushort)type,
    };

    public uint EncodeOperation(OperationFlags flags)
    {
        const OperationFlags Moved = OperationFlags.Writeback | OperationFlags.SwapFile;
        return (uint)(flags & ~Moved) | ((flags & OperationFlags.Writeback) != 0 ? WritebackBit : 0)
            | ((flags & OperationFlags.SwapFile) != 0 ? SwapFileBit : 0);
    }

    public OperationFlags DecodeOperation(uint wire)
    {
        uint rest = wire & ~(WritebackBit | SwapFileBit);
        return (OperationFlags)rest | ((wire & WritebackBit) != 0 ? OperationFlags.Writeback : 0)
            | ((wire & SwapFileBit) != 0 ? OperationFlags.SwapFile : 0);
    }

    public IomapWire.Record Encode(in Mapping mapping) => new()
    {
        Offset = (ulong)mapping.Offset,
        Length = (ulong)mapping.Length,
        Address = mapping.Address,
        Type = EncodeType(mapping.Type),
        Flags = (ushort)mapping.Flags,
        Device = mapping.Device,
    };

    /// <summary>For records that passed validation; a range past the largest file is cut there.</summary>
    public Mapping Decode(in IomapWire.Record record) => new((long)record.Offset,
        (long)Math.Min(record.Length, long.MaxValue - record.Offset), record.Address, DecodeType(record.Type),
        (MappingFlags)record.Flags, record.Device);
}

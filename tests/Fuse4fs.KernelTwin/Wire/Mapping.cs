namespace Fuse4fs.KernelTwin.Wire;

/// <summary>A decoded and validated mapping: bytes of a file on a device.</summary>
/// <param name="Offset">Position in the file.</param>
/// <param name="Length">More than 0.</param>
/// <param name="Address">Byte address on the device, or NullAddress.</param>
/// <param name="Type">What is there.</param>
/// <param name="Flags">Its properties.</param>
/// <param name="Device">Backing id or 0.</param>
public readonly record struct Mapping(
    long Offset, long Length, ulong Address, MappingType Type, MappingFlags Flags, uint Device)
{
    public const ulong NullAddress = ulong.MaxValue;

    public long End => Offset + Length;

    public bool HasAddress => Type is MappingType.Mapped or MappingType.Unwritten or MappingType.MappedStripe
        or MappingType.UnwrittenStripe;

    public bool IsStripe => Type is MappingType.MappedStripe or MappingType.UnwrittenStripe;

    public bool IsWritten => Type is MappingType.Mapped or MappingType.MappedStripe;

    public bool IsUnwritten => Type is MappingType.Unwritten or MappingType.UnwrittenStripe;

    public bool Contains(long position) => position >= Offset && position < End;

    public ulong AddressOf(long position) => Address + (ulong)(position - Offset);

    /// <summary>The part of it from one position up to another.</summary>
    public Mapping Part(long from, long to) =>
        this with { Offset = from, Length = to - from, Address = HasAddress ? AddressOf(from) : Address };

    /// <summary>As the recordings write it: type letter, offset+length.</summary>
    public override string ToString() => $"{Letter(Type)} {Offset}+{Length}";

    public static string Letter(MappingType type) => type switch
    {
        MappingType.Hole => "H",
        MappingType.Delalloc => "D",
        MappingType.Mapped => "M",
        MappingType.Unwritten => "U",
        MappingType.Inline => "N",
        MappingType.MappedStripe => "MS",
        MappingType.UnwrittenStripe => "US",
        MappingType.RetryCache => "RETRY",
        _ => type.ToString(),
    };
}

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Where a range of a file lies, in no revision's numbers.</summary>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Bytes; a multiple of the block size, also at the end of a file.</param>
/// <param name="Address">First byte on the device, or <see cref="NoAddress"/>.</param>
/// <param name="Device">Where the address counts.</param>
/// <param name="Kind">What the range is.</param>
/// <param name="Flags">What else is to be said.</param>
public readonly record struct Mapping(
    long Offset, long Length, long Address, BackingId Device, MappingKind Kind, MappingFlags Flags)
{
    /// <summary>FUSE_IOMAP_NULL_ADDR: all bits set.</summary>
    public const long NoAddress = -1;

    /// <summary>The byte after the last. Meaningful when offset and length were checked.</summary>
    public long End => Offset + Length;

    /// <summary>Whether the range has blocks on a device.</summary>
    public bool HasAddress => Kind is MappingKind.Written or MappingKind.Unwritten;

    public static Mapping Hole(long offset, long length) => WithoutAddress(offset, length, MappingKind.Hole);

    public static Mapping Delayed(long offset, long length) => WithoutAddress(offset, length, MappingKind.Delayed);

    /// <param name="length">The block size; the offset is 0.</param>
    public static Mapping Inline(long length) => WithoutAddress(0, length, MappingKind.Inline);

    public static Mapping Written(
        long offset, long length, BackingId device, long address, MappingFlags flags = MappingFlags.None)
        => new(offset, length, address, device, MappingKind.Written, flags);

    public static Mapping Unwritten(
        long offset, long length, BackingId device, long address, MappingFlags flags = MappingFlags.None)
        => new(offset, length, address, device, MappingKind.Unwritten, flags);

    /// <summary>One of the kinds that say something about a range and nothing about blocks.</summary>
    public static Mapping WithoutAddress(long offset, long length, MappingKind kind)
        => new(offset, length, NoAddress, BackingId.None, kind, MappingFlags.None);
}

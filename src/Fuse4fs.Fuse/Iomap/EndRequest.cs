namespace Fuse4fs.Fuse.Iomap;

/// <summary>IOMAP_END, decoded and checked: the kernel is done with a mapping, its I/O may still be under way.</summary>
/// <remarks>Gives back reservations for what was not written, and tells of sizes (<see cref="MappingFlags.SizeChanged"/>).
/// The one of a killed writer may never come. On v9 every BEGIN of write-back is followed by one with nothing written:
/// that means nothing.</remarks>
/// <param name="File">The file.</param>
/// <param name="Operation">As in BEGIN.</param>
/// <param name="Offset">First byte of this step.</param>
/// <param name="Length">Bytes of this step: what was asked for, clipped to the mapping.</param>
/// <param name="Written">Bytes dealt with, 0 to <paramref name="Length"/>.</param>
/// <param name="MapFlags">Flags of the mapping that was used, and those the kernel added.</param>
public readonly record struct EndRequest(
    FileIdentity File, IomapOperation Operation, long Offset, long Length, long Written, MappingFlags MapFlags)
{
    /// <summary>The byte after the last one dealt with.</summary>
    public long WrittenEnd => Offset + Written;

    /// <summary>The size in the kernel's memory is now at least <see cref="WrittenEnd"/>.</summary>
    public bool IsSizeChanged => (MapFlags & MappingFlags.SizeChanged) != 0;

    /// <summary>Whether all of these flags are set.</summary>
    public bool Has(IomapOperation flags) => (Operation & flags) == flags;
}

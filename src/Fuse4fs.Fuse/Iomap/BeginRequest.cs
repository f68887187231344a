namespace Fuse4fs.Fuse.Iomap;

/// <summary>IOMAP_BEGIN, decoded and checked: offset and length fit a file.</summary>
/// <param name="File">Whose mapping is wanted. There is no file handle.</param>
/// <param name="Operation">What for. No unknown bits.</param>
/// <param name="Offset">First byte; must be covered by the answer.</param>
/// <param name="Length">Bytes wanted. An answer may be shorter, begin before and end behind.</param>
/// <param name="Uid">Of the caller. In write-back that is whoever happens to write: nobody's rights may hang on it.</param>
/// <param name="Gid">As <paramref name="Uid"/>.</param>
/// <param name="Pid">Of the caller, or of a thread of the kernel.</param>
public readonly record struct BeginRequest(
    FileIdentity File, IomapOperation Operation, long Offset, long Length, uint Uid, uint Gid, uint Pid)
{
    /// <summary>The byte after the last one wanted.</summary>
    public long End => Offset + Length;

    /// <summary>Whether the target counts.</summary>
    public bool IsWriteClass => (Operation & IomapOperation.WriteClass) != 0;

    /// <summary>Whether all of these flags are set.</summary>
    public bool Has(IomapOperation flags) => (Operation & flags) == flags;
}

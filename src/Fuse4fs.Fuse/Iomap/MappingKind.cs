namespace Fuse4fs.Fuse.Iomap;

/// <summary>What a range of a file is. The numbers on the wire differ by revision: <see cref="IomapRevision"/>.</summary>
public enum MappingKind : byte
{
    /// <summary>Nothing allocated; reads as zeros.</summary>
    Hole,

    /// <summary>Space is reserved, blocks are chosen at write-back (FUSE_IOMAP_TYPE_DELALLOC).</summary>
    Delayed,

    /// <summary>Allocated and written (MAPPED).</summary>
    Written,

    /// <summary>Allocated; reads as zeros until a completion converts it.</summary>
    Unwritten,

    /// <summary>The data lies in the file system's metadata and moves by READ and WRITE with handle 0.</summary>
    Inline,

    /// <summary>Only as the target: write where the source lies.</summary>
    PureOverwrite,

    /// <summary>Only in an upload: leave this part of the cache alone.</summary>
    NoCache,
}

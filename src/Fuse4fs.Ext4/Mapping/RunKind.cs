namespace Fuse4fs.Ext4.Mapping;

/// <summary>What a run of file blocks is.</summary>
public enum RunKind : byte
{
    /// <summary>No blocks: reads as zeros.</summary>
    Hole,

    /// <summary>Blocks with data.</summary>
    Written,

    /// <summary>Blocks that read as zeros until they are written.</summary>
    Unwritten,

    /// <summary>No blocks: the data is inside the inode.</summary>
    Inline,
}

namespace Fuse4fs.Ext4.Delegation;

/// <summary>What a stretch of a file is to whoever moves its data.</summary>
public enum DelegatedKind : byte
{
    /// <summary>No blocks and none reserved: reads as zeros.</summary>
    Hole,

    /// <summary>Space is reserved, blocks are not chosen.</summary>
    Reserved,

    /// <summary>Blocks with data.</summary>
    Written,

    /// <summary>Blocks that read as zeros until their writing is reported complete.</summary>
    Unwritten,

    /// <summary>The data is inside the inode.</summary>
    Inline,
}

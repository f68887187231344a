namespace Fuse4fs.Ext4.Format;

/// <summary>bg_flags of a group descriptor. Docs: ext4/group_descr.</summary>
[Flags]
public enum GroupFlags : ushort
{
    None = 0,

    /// <summary>EXT4_BG_INODE_UNINIT: inode bitmap and table were never written.</summary>
    InodesUninitialized = 1,

    /// <summary>EXT4_BG_BLOCK_UNINIT: the block bitmap was never written.</summary>
    BlocksUninitialized = 2,

    /// <summary>EXT4_BG_INODE_ZEROED: the inode table is zeroed.</summary>
    InodeTableZeroed = 4,
}

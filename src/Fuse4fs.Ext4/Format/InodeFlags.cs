namespace Fuse4fs.Ext4.Format;

/// <summary>i_flags of an inode. Docs: ext4/inodes, "i_flags".</summary>
[Flags]
public enum InodeFlags : uint
{
    None = 0,
    SecureRemoval = 0x1,
    Undelete = 0x2,
    Compress = 0x4,
    Synchronous = 0x8,
    Immutable = 0x10,
    AppendOnly = 0x20,
    NoDump = 0x40,
    NoAccessTime = 0x80,
    Dirty = 0x100,
    CompressedBlocks = 0x200,
    NoCompress = 0x400,
    Encrypted = 0x800,

    /// <summary>EXT4_INDEX_FL: the directory has a hash tree.</summary>
    HashIndexed = 0x1000,
    Imagic = 0x2000,
    JournalData = 0x4000,
    NoTail = 0x8000,
    DirectorySync = 0x10000,
    TopDirectory = 0x20000,

    /// <summary>i_blocks counts blocks of the file system, not 512-byte sectors.</summary>
    HugeFile = 0x40000,
    Extents = 0x80000,
    Verity = 0x100000,

    /// <summary>The inode holds the value of a large extended attribute.</summary>
    XattrValue = 0x200000,
    DirectAccess = 0x2000000,
    InlineData = 0x10000000,

    /// <summary>Children inherit the project id.</summary>
    ProjectInherit = 0x20000000,
    Casefold = 0x40000000,
    Reserved = 0x80000000,
}

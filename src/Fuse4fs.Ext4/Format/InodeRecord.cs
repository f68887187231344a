using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>The first 128 bytes of every inode on disk.</summary>
/// <remarks>Little-endian. Kernel: struct ext4_inode. Docs: ext4/inodes.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct InodeRecord
{
    /// <summary>EXT4_GOOD_OLD_INODE_SIZE: bytes of this part.</summary>
    public const int SizeBytes = 128;

    /// <summary>Where i_checksum_lo is.</summary>
    public const int ChecksumLowOffset = 0x7C;

    public Le16 Mode;
    public Le16 UserIdLow;
    public Le32 SizeLow;
    public Le32 AccessTime;
    public Le32 ChangeTime;
    public Le32 ModificationTime;

    /// <summary>i_dtime: deletion time, or the next inode of the orphan list.</summary>
    public Le32 DeletionTime;
    public Le16 GroupIdLow;
    public Le16 LinkCount;

    /// <summary>i_blocks_lo: sectors, or blocks under <see cref="InodeFlags.HugeFile"/>.</summary>
    public Le32 BlockCountLow;

    /// <summary>i_flags: <see cref="InodeFlags"/>.</summary>
    public Le32 Flags;

    /// <summary>osd1: i_version; the reference count's upper half in an attribute's value inode.</summary>
    public Le32 VersionLow;

    public BlockArea BlockArea;
    public Le32 Generation;
    public Le32 XattrBlockLow;
    public Le32 SizeHigh;
    public Le32 FragmentAddress;
    public Le16 BlockCountHigh;
    public Le16 XattrBlockHigh;
    public Le16 UserIdHigh;
    public Le16 GroupIdHigh;
    public Le16 ChecksumLow;
    public Le16 Reserved;
}

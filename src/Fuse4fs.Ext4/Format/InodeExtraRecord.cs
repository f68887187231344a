using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>What follows the first 128 bytes of a large inode; only the first i_extra_isize bytes are valid.</summary>
/// <remarks>Little-endian. Kernel: struct ext4_inode from i_extra_isize on. Docs: ext4/inodes.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct InodeExtraRecord
{
    /// <summary>Bytes of the structure as defined today.</summary>
    public const int SizeBytes = 32;

    /// <summary>Where i_checksum_hi is, bytes from the start of the inode.</summary>
    public const int ChecksumHighOffset = 0x82;

    /// <summary>Least i_extra_isize with which i_checksum_hi exists.</summary>
    public const int ChecksumHighEnd = 4;

    /// <summary>Least i_extra_isize with which i_ctime_extra exists.</summary>
    public const int ChangeTimeEnd = 8;

    /// <summary>Least i_extra_isize with which i_mtime_extra exists.</summary>
    public const int ModificationTimeEnd = 12;

    /// <summary>Least i_extra_isize with which i_atime_extra exists.</summary>
    public const int AccessTimeEnd = 16;

    /// <summary>Least i_extra_isize with which both halves of i_crtime exist.</summary>
    public const int BirthTimeEnd = 24;

    /// <summary>Least i_extra_isize with which i_version_hi exists.</summary>
    public const int VersionHighEnd = 28;

    /// <summary>Least i_extra_isize with which i_projid exists.</summary>
    public const int ProjectIdEnd = 32;

    /// <summary>i_extra_isize: bytes of this structure in use.</summary>
    public Le16 ExtraSize;
    public Le16 ChecksumHigh;
    public Le32 ChangeTimeExtra;
    public Le32 ModificationTimeExtra;
    public Le32 AccessTimeExtra;
    public Le32 BirthTime;
    public Le32 BirthTimeExtra;
    public Le32 VersionHigh;
    public Le32 ProjectId;
}

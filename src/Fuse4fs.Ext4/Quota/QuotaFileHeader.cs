using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Quota;

/// <summary>Start of a quota file: 32 bytes, little-endian. Format "vfsv1" of the quota tools.</summary>
/// <remarks>Kernel: struct v2_disk_dqheader, struct v2_disk_dqinfo.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct QuotaFileHeader
{
    /// <summary>dqh_version: 64-bit counts.</summary>
    public const uint ExpectedVersion = 1;

    /// <summary>dqh_magic: says which kind.</summary>
    public Le32 Magic;
    public Le32 Version;

    /// <summary>dqi_bgrace: seconds above the soft limit of space.</summary>
    public Le32 SpaceGraceSeconds;

    /// <summary>dqi_igrace: seconds above the soft limit of inodes.</summary>
    public Le32 InodeGraceSeconds;
    public Le32 Flags;

    /// <summary>dqi_blocks: blocks of the file, of 1 KiB.</summary>
    public Le32 BlockCount;

    /// <summary>dqi_free_blk: first block of the list of unused ones, 0 for none.</summary>
    public Le32 FirstFreeBlock;

    /// <summary>dqi_free_entry: first leaf with room for a record, 0 for none.</summary>
    public Le32 FirstRoomyLeaf;

    /// <summary>What a file of a kind begins with.</summary>
    public static uint MagicOf(QuotaKind kind) => kind switch
    {
        QuotaKind.User => 0xD9C01F11,
        QuotaKind.Group => 0xD9C01927,
        _ => 0xD9C03F14,
    };
}

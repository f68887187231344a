using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>The superblock: 1024 bytes at byte 1024 of the volume, with copies in some groups.</summary>
/// <remarks>Little-endian. Kernel: struct ext4_super_block. Docs: ext4/super. Fields carry the kernel's order;
/// the kernel's name is given where ours says something else.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct Superblock
{
    /// <summary>s_magic of every ext2, ext3 and ext4 volume.</summary>
    public const ushort ExpectedMagic = 0xEF53;

    /// <summary>Bytes of the structure.</summary>
    public const int SizeBytes = 1024;

    /// <summary>Where the primary superblock starts, bytes from the start of the volume.</summary>
    public const int PrimaryOffsetBytes = 1024;

    /// <summary>Where s_checksum is; it covers everything before.</summary>
    public const int ChecksumOffset = 0x3FC;

    public Le32 InodeCount;
    public Le32 BlockCountLow;
    public Le32 ReservedBlockCountLow;
    public Le32 FreeBlockCountLow;
    public Le32 FreeInodeCount;
    public Le32 FirstDataBlock;
    public Le32 LogBlockSize;
    public Le32 LogClusterSize;
    public Le32 BlocksPerGroup;
    public Le32 ClustersPerGroup;
    public Le32 InodesPerGroup;

    /// <summary>s_mtime: last mount, seconds, low 32 bits.</summary>
    public Le32 MountTimeLow;

    /// <summary>s_wtime: last write, seconds, low 32 bits.</summary>
    public Le32 WriteTimeLow;
    public Le16 MountCount;
    public Le16 MaximumMountCount;
    public Le16 Magic;

    /// <summary>s_state: <see cref="VolumeStates"/>.</summary>
    public Le16 State;

    /// <summary>s_errors: 1 continue, 2 remount read-only, 3 panic.</summary>
    public Le16 ErrorsPolicy;
    public Le16 MinorRevision;
    public Le32 LastCheckLow;
    public Le32 CheckInterval;
    public Le32 CreatorOs;
    public Le32 Revision;
    public Le16 ReservedUserId;
    public Le16 ReservedGroupId;
    public Le32 FirstInode;
    public Le16 InodeSize;

    /// <summary>s_block_group_nr: the group this copy is in.</summary>
    public Le16 OwnGroup;

    /// <summary>s_feature_compat: <see cref="CompatFeatures"/>.</summary>
    public Le32 Compat;

    /// <summary>s_feature_incompat: <see cref="IncompatFeatures"/>.</summary>
    public Le32 Incompat;

    /// <summary>s_feature_ro_compat: <see cref="RoCompatFeatures"/>.</summary>
    public Le32 RoCompat;
    public Bytes16 Uuid;
    public Bytes16 VolumeName;
    public Bytes64 LastMounted;
    public Le32 AlgorithmUsage;
    public byte PreallocationBlocks;
    public byte PreallocationDirectoryBlocks;
    public Le16 ReservedDescriptorBlocks;
    public Bytes16 JournalUuid;
    public Le32 JournalInode;
    public Le32 JournalDevice;

    /// <summary>s_last_orphan: head of the orphan list.</summary>
    public Le32 LastOrphan;
    public Words4 HashSeed;
    public byte DefaultHashVersion;
    public byte JournalBackupType;
    public Le16 DescriptorSize;
    public Le32 DefaultMountOptions;
    public Le32 FirstMetaGroup;
    public Le32 MakeTimeLow;

    /// <summary>s_jnl_blocks: the journal inode's i_block, then i_size_high and i_size.</summary>
    public Words17 JournalBlocks;
    public Le32 BlockCountHigh;
    public Le32 ReservedBlockCountHigh;
    public Le32 FreeBlockCountHigh;
    public Le16 MinimumExtraInodeSize;
    public Le16 WantedExtraInodeSize;

    /// <summary>s_flags: <see cref="SuperblockFlags"/>.</summary>
    public Le32 Flags;
    public Le16 RaidStride;
    public Le16 MmpInterval;
    public Le64 MmpBlock;
    public Le32 RaidStripeWidth;
    public byte LogGroupsPerFlex;

    /// <summary>s_checksum_type: 1 is crc32c, the only one.</summary>
    public byte ChecksumType;
    public byte EncryptionLevel;
    private readonly byte _padding;
    public Le64 KilobytesWritten;
    public Le32 SnapshotInode;
    public Le32 SnapshotId;
    public Le64 SnapshotReservedBlocks;
    public Le32 SnapshotList;
    public Le32 ErrorCount;
    public Le32 FirstErrorTimeLow;
    public Le32 FirstErrorInode;
    public Le64 FirstErrorBlock;
    public Bytes32 FirstErrorFunction;
    public Le32 FirstErrorLine;
    public Le32 LastErrorTimeLow;
    public Le32 LastErrorInode;
    public Le32 LastErrorLine;
    public Le64 LastErrorBlock;
    public Bytes32 LastErrorFunction;
    public Bytes64 MountOptions;
    public Le32 UserQuotaInode;
    public Le32 GroupQuotaInode;

    /// <summary>s_overhead_clusters: 0 when it has to be computed.</summary>
    public Le32 OverheadClusters;

    /// <summary>s_backup_bgs: the two groups with backups under sparse_super2.</summary>
    public Le32 BackupGroup0;
    public Le32 BackupGroup1;
    public Bytes4 EncryptionAlgorithms;
    public Bytes16 EncryptionPasswordSalt;
    public Le32 LostAndFoundInode;
    public Le32 ProjectQuotaInode;
    public Le32 ChecksumSeed;
    public byte WriteTimeHigh;
    public byte MountTimeHigh;
    public byte MakeTimeHigh;
    public byte LastCheckHigh;
    public byte FirstErrorTimeHigh;
    public byte LastErrorTimeHigh;
    public byte FirstErrorCode;
    public byte LastErrorCode;
    public Le16 Encoding;
    public Le16 EncodingFlags;
    public Le32 OrphanFileInode;
    private readonly Bytes376 _reserved;

    /// <summary>s_checksum: crc32c of all before, chained from ~0; with metadata_csum only.</summary>
    public Le32 Checksum;

    /// <summary>Blocks of the volume.</summary>
    public readonly ulong BlockCount => Wide(BlockCountLow, BlockCountHigh);

    /// <summary>Blocks only the superuser (or resuid, resgid) may take.</summary>
    public readonly ulong ReservedBlockCount => Wide(ReservedBlockCountLow, ReservedBlockCountHigh);

    /// <summary>Free clusters, in blocks. With a journal only written at unmount: see the group descriptors.</summary>
    public ulong FreeBlockCount
    {
        readonly get => Wide(FreeBlockCountLow, FreeBlockCountHigh);
        set
        {
            FreeBlockCountLow = (uint)(value & uint.MaxValue);
            FreeBlockCountHigh = (uint)(value >> 32);
        }
    }

    /// <summary>Raises revision 0, which knows no features: what it implied is said from now on. Kernel:
    /// ext4_update_dynamic_rev.</summary>
    public void MakeDynamic()
    {
        if (Revision == 0)
        {
            Revision = 1;
            FirstInode = InodeNumber.FirstOfRevision0.Value;
            InodeSize = InodeRecord.SizeBytes;
        }
    }

    private readonly ulong Wide(uint low, uint high) =>
        ((IncompatFeatures)(uint)Incompat).HasFlag(IncompatFeatures.Bits64) ? ((ulong)high << 32) | low : low;
}

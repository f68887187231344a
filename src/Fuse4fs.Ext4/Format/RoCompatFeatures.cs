namespace Fuse4fs.Ext4.Format;

/// <summary>Features that must be understood to write. Docs: ext4/super, "read-only compatible features".</summary>
[Flags]
public enum RoCompatFeatures : uint
{
    None = 0,
    SparseSuper = 0x1,
    LargeFile = 0x2,
    BtreeDirectory = 0x4,
    HugeFile = 0x8,

    /// <summary>crc16 in group descriptors (uninit_bg). Superseded by <see cref="MetadataChecksums"/>.</summary>
    GroupChecksums = 0x10,
    DirectoryLinks = 0x20,
    ExtraInodeSize = 0x40,
    HasSnapshot = 0x80,
    Quota = 0x100,
    BigAllocation = 0x200,
    MetadataChecksums = 0x400,
    Replica = 0x800,
    ReadOnly = 0x1000,
    Project = 0x2000,
    SharedBlocks = 0x4000,
    Verity = 0x8000,

    /// <summary>The orphan file may hold entries.</summary>
    OrphanPresent = 0x10000,
}

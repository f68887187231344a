namespace Fuse4fs.Ext4.Allocation;

/// <summary>Whose a part of the device is.</summary>
public enum SpaceOwner
{
    /// <summary>Nobody's.</summary>
    Free,

    /// <summary>In use: files, directories, the journal.</summary>
    Unknown,

    /// <summary>A superblock.</summary>
    Superblock,
    GroupDescriptors,

    /// <summary>Kept for further group descriptors.</summary>
    ReservedDescriptors,
    BlockBitmap,
    InodeBitmap,
    InodeTable,

    /// <summary>The journal on a device of its own.</summary>
    ExternalJournal,
}

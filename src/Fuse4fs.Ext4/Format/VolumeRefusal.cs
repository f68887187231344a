namespace Fuse4fs.Ext4.Format;

/// <summary>Why a volume is not opened.</summary>
public enum VolumeRefusal
{
    /// <summary>No superblock of ext2, ext3 or ext4.</summary>
    NotExt4,

    /// <summary>The superblock is damaged, or contradicts itself or the device.</summary>
    Damaged,

    /// <summary>A feature that cannot be ignored is unknown or not supported.</summary>
    Feature,

    /// <summary>The device is the external journal of another volume.</summary>
    JournalDevice,

    /// <summary>The journal is missing, foreign or cannot be replayed.</summary>
    Journal,

    /// <summary>Somebody else uses the volume.</summary>
    InUse,

    /// <summary>Reading the device failed.</summary>
    Device,
}

namespace Fuse4fs.Ext4.Format;

/// <summary>s_default_mount_opts of the superblock, as far as they mean anything here. Docs: ext4/super,
/// "super_mountopts".</summary>
[Flags]
public enum DefaultMountOptions : uint
{
    None = 0,

    /// <summary>EXT4_DEFM_BSDGROUPS: as the mount option grpid.</summary>
    GroupOfDirectory = 0x2,

    /// <summary>EXT4_DEFM_JMODE_DATA: as the mount option data=journal.</summary>
    JournalData = 0x20,

    /// <summary>EXT4_DEFM_JMODE: the bits that say which data=.</summary>
    DataModeMask = 0x60,

    /// <summary>EXT4_DEFM_DISCARD: as the mount option discard.</summary>
    Discard = 0x400,
}

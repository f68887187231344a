namespace Fuse4fs.Ext4.Format;

/// <summary>s_state of the superblock. Docs: ext4/super, "super_state".</summary>
[Flags]
public enum VolumeStates : ushort
{
    None = 0,

    /// <summary>EXT4_VALID_FS: cleanly unmounted.</summary>
    Clean = 1,

    /// <summary>EXT4_ERROR_FS: damage was recorded.</summary>
    Errors = 2,

    /// <summary>EXT4_ORPHAN_FS: orphans are being processed.</summary>
    Orphans = 4,

    /// <summary>EXT4_FC_REPLAY: a fast-commit replay is under way.</summary>
    FastCommitReplay = 0x20,
}

namespace Fuse4fs.Ext4.Journaling;

/// <summary>s_feature_compat of the journal superblock. Docs: ext4/journal, "Super Block".</summary>
[Flags]
internal enum JournalCompatFeatures : uint
{
    None = 0,

    /// <summary>JBD2_FEATURE_COMPAT_CHECKSUM: version 1, one CRC-32 over a transaction in its commit block.</summary>
    Checksum = 0x1,
}

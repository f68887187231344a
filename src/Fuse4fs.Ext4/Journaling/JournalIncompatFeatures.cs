namespace Fuse4fs.Ext4.Journaling;

/// <summary>s_feature_incompat of the journal superblock. Docs: ext4/journal, "Super Block".</summary>
[Flags]
internal enum JournalIncompatFeatures : uint
{
    None = 0,
    Revoke = 0x1,
    Bits64 = 0x2,

    /// <summary>The commit block was written without waiting for the blocks before it.</summary>
    AsyncCommit = 0x4,
    ChecksumV2 = 0x8,
    ChecksumV3 = 0x10,
    FastCommit = 0x20,
    Known = Revoke | Bits64 | AsyncCommit | ChecksumV2 | ChecksumV3 | FastCommit,
}

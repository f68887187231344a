namespace Fuse4fs.Ext4.Journaling;

/// <summary>h_blocktype: what a block of the journal is. Docs: ext4/journal, "Block Header".</summary>
internal enum JournalBlockKind : uint
{
    Descriptor = 1,
    Commit = 2,
    SuperblockV1 = 3,
    SuperblockV2 = 4,
    Revoke = 5,
}

namespace Fuse4fs.Ext4.Journaling;

/// <summary>How full a journal is.</summary>
/// <param name="LogBlocks">Blocks of the log; 0 without one.</param>
/// <param name="UsedBlocks">Of these, needed by a replay if the machine stopped now.</param>
/// <param name="DirtyBytes">Metadata that is not at home yet: running, being committed, or committed.</param>
/// <param name="Commits">Transactions made durable since the mount.</param>
public readonly record struct JournalFill(uint LogBlocks, uint UsedBlocks, long DirtyBytes, ulong Commits);

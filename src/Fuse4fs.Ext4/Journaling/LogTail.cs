namespace Fuse4fs.Ext4.Journaling;

/// <summary>Where replay would start: everything before is at home for good.</summary>
/// <param name="Sequence">The transaction expected there.</param>
/// <param name="Block">Its first log block.</param>
internal readonly record struct LogTail(uint Sequence, uint Block);

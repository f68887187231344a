namespace Fuse4fs.Ext4.Journaling;

/// <summary>A block of a committed transaction as the log holds it.</summary>
/// <param name="Tag">Where it belongs, and its checksum.</param>
/// <param name="LogBlock">Where its copy is.</param>
/// <param name="Sequence">Its transaction.</param>
internal readonly record struct LoggedBlock(BlockTag Tag, uint LogBlock, uint Sequence);

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Consecutive blocks of the journal on its device.</summary>
/// <param name="FirstLogBlock">First block, counted within the journal.</param>
/// <param name="Start">Its block on the device.</param>
/// <param name="LengthBlocks">How many.</param>
public readonly record struct LogRun(uint FirstLogBlock, FsBlock Start, uint LengthBlocks);

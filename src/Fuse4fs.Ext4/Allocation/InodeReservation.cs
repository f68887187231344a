using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>An inode number that nobody else will get, not yet used on disk.</summary>
/// <param name="Number">The number.</param>
/// <param name="Generation">Random: distinguishes this use of the number from others.</param>
/// <param name="IsDirectory">Counts as a directory in its group.</param>
public readonly record struct InodeReservation(InodeNumber Number, uint Generation, bool IsDirectory);

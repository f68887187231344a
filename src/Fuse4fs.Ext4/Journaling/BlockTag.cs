using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>One entry of a descriptor block: where the next block of the log belongs.</summary>
/// <param name="Home">The block's place in the file system.</param>
/// <param name="Flags">How the copy is stored.</param>
/// <param name="Checksum">As stored: 32 bits in version 3, the low 16 in version 2, unused otherwise.</param>
internal readonly record struct BlockTag(FsBlock Home, LoggedBlockFlags Flags, uint Checksum);

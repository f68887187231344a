using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Where a name was found.</summary>
/// <param name="Inode">What it refers to.</param>
/// <param name="FileType">What its record says that is.</param>
/// <param name="FileBlock">Block of the directory; <see cref="InlineBlock"/> inside the inode.</param>
/// <param name="Offset">Of the record in that block, or in that inline area.</param>
/// <param name="Block">That block on the device; 0 inside the inode.</param>
internal readonly record struct EntryPlace(
    InodeNumber Inode, DirectoryFileType FileType, uint FileBlock, int Offset, FsBlock Block)
{
    /// <summary>The area in i_block of an inline directory; one more is the area among its attributes.</summary>
    public const uint InlineBlock = 0xFFFFFFFE;
}

using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>A name in a directory during a replay.</summary>
internal sealed class DirectoryEntryRecord(byte[] name, InodeNumber inode, DirectoryFileType type)
{
    public byte[] Name { get; } = name;

    public InodeNumber Inode { get; } = inode;

    /// <summary>Unknown on volumes whose records do not tell.</summary>
    public DirectoryFileType Type { get; } = type;

    /// <summary>The block of the directory that has the record.</summary>
    public uint FileBlock { get; set; }
}

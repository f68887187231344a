using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>A name to be added to a directory.</summary>
internal readonly ref struct NewRecord(
    ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, NameHash hash)
{
    /// <summary>1 to 255 bytes.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    public InodeNumber Inode { get; } = inode;

    /// <summary>Unknown on volumes without the filetype feature.</summary>
    public DirectoryFileType Type { get; } = type;

    /// <summary>Stored where records store it.</summary>
    public NameHash Hash { get; } = hash;
}

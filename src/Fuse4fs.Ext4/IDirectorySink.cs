using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4;

/// <summary>Takes the entries of a listing.</summary>
public interface IDirectorySink
{
    /// <summary>One entry, "." and ".." included.</summary>
    /// <param name="name">1 to 255 bytes, without NUL and '/'; valid only during the call.</param>
    /// <param name="inode">What it refers to.</param>
    /// <param name="type">What that is, Unknown on volumes without the filetype feature.</param>
    /// <param name="nextCookie">Continues the listing behind this entry.</param>
    /// <returns>False when there is no room: the entry was not taken, the listing stops before it.</returns>
    bool Add(scoped ReadOnlySpan<byte> name, InodeNumber inode, DirectoryFileType type, ulong nextCookie);
}

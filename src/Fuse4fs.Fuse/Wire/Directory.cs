using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_dirent: 24 bytes, then the name, padded with zeros to a multiple of 8.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DirectoryEntry
{
    /// <summary>ino.</summary>
    public ulong Inode;

    /// <summary>off: the cookie with which a listing goes on after this entry.</summary>
    public ulong NextCookie;

    /// <summary>namelen, bytes.</summary>
    public uint NameLength;

    /// <summary>type: DT_* of readdir(3), that is S_IF* shifted right by 12.</summary>
    public uint Type;
}

/// <summary>struct fuse_direntplus: 152 bytes, then the name, padded to a multiple of 8.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DirectoryEntryPlus
{
    /// <summary>entry_out. A node id other than 0 counts as one lookup.</summary>
    public EntryOut Entry;

    /// <summary>dirent.</summary>
    public DirectoryEntry Directory;
}

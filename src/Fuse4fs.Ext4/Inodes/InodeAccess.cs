namespace Fuse4fs.Ext4.Inodes;

/// <summary>Which inodes a caller may be given beyond ordinary files.</summary>
[Flags]
public enum InodeAccess
{
    /// <summary>Files with at least one link, and the root.</summary>
    File = 0,

    /// <summary>Also inodes without links that are still in use: those on the orphan list.</summary>
    EvenUnlinked = 1,

    /// <summary>Also reserved inodes: journal, quota files, orphan file, resize inode.</summary>
    Special = 2,

    /// <summary>Only inodes that hold the value of an extended attribute.</summary>
    XattrValue = 4,

    /// <summary>Also inodes without links that nobody has put on the orphan list yet: when a crash is cleaned
    /// up.</summary>
    EvenLost = 8,
}

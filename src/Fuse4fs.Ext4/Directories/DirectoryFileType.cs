namespace Fuse4fs.Ext4.Directories;

/// <summary>What a directory record says its inode is, with the filetype feature. Docs: ext4/directory,
/// "ftype".</summary>
public enum DirectoryFileType : byte
{
    Unknown = 0,
    Regular = 1,
    Directory = 2,
    CharacterDevice = 3,
    BlockDevice = 4,
    Fifo = 5,
    Socket = 6,
    Symlink = 7,

    /// <summary>EXT4_FT_DIR_CSUM: not a name but the block's checksum.</summary>
    ChecksumTail = 0xDE,
}

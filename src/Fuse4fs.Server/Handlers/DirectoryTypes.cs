using Fuse4fs.Ext4.Directories;

namespace Fuse4fs.Server.Handlers;

/// <summary>File types as readdir(3) shows them: DT_*.</summary>
internal static class DirectoryTypes
{
    public static byte Shown(DirectoryFileType type) => type switch
    {
        DirectoryFileType.Fifo => 1,
        DirectoryFileType.CharacterDevice => 2,
        DirectoryFileType.Directory => 4,
        DirectoryFileType.BlockDevice => 6,
        DirectoryFileType.Regular => 8,
        DirectoryFileType.Symlink => 10,
        DirectoryFileType.Socket => 12,
        _ => 0,
    };
}

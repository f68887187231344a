using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Link counts of directories: 2, and one for each subdirectory, up to a limit; beyond, with dir_nlink, 1
/// stands for "not counted any more". Kernel: ext4_inc_count, ext4_dec_count.</summary>
internal sealed class DirectoryLinks(Geometry geometry)
{
    /// <summary>EXT4_LINK_MAX: names a file can have, and subdirectories that are counted.</summary>
    public const int Maximum = 65000;

    /// <summary>Whether one more subdirectory can be counted, or need not be.</summary>
    public bool HasRoom(Inode directory) =>
        directory.LinkCount < Maximum
        || (geometry.RoCompat.HasFlag(RoCompatFeatures.DirectoryLinks) && directory.Has(InodeFlags.HashIndexed));

    /// <summary>One subdirectory more or less, or none.</summary>
    public static void Change(Inode directory, int difference)
    {
        if (difference > 0)
        {
            int count = directory.LinkCount + 1;
            bool isUncounted = directory.Has(InodeFlags.HashIndexed) && (count > Maximum || count == 2);
            directory.LinkCount = (ushort)(isUncounted ? 1 : count);
        }
        else if (difference < 0 && directory.LinkCount > 2)
        {
            directory.LinkCount--;
        }
    }
}

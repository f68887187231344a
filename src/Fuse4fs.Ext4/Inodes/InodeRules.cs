using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>What a decoded inode must satisfy before anybody works with it. Kernel: __ext4_iget.</summary>
internal static class InodeRules
{
    /// <summary>Checks the fields against each other and the volume.</summary>
    /// <exception cref="Ext4CorruptException">They are impossible.</exception>
    public static void Check(Geometry geometry, Inode inode)
    {
        if (inode.Mode == 0 && inode.LinkCount == 0)
        {
            return;     // not in use; whether that is an error depends on who asks
        }
        if (inode.Number == InodeNumber.Root && inode.LinkCount == 0)
        {
            Ext4CorruptException.Throw(Corruption.InodeFree, "root inode: no links");
        }
        if (inode.Number >= geometry.FirstInode || inode.Number == InodeNumber.Root)
        {
            CheckKind(inode);
        }
        if (inode.XattrBlock.Value != 0 && !geometry.IsDataRange(inode.XattrBlock, 1))
        {
            Ext4CorruptException.Throw(
                Corruption.BlockOutOfVolume, $"inode {inode.Number}: attribute block {inode.XattrBlock}",
                inode.Number, default);
        }
        if (inode.IsDirectory && inode.Has(InodeFlags.HashIndexed)
            && !geometry.Has(CompatFeatures.DirectoryIndex) && geometry.HasMetadataChecksums)
        {
            // The checksum of a block depends on whether it belongs to a hash tree: this cannot be told here.
            Ext4CorruptException.Throw(
                Corruption.HashTreeRoot, $"inode {inode.Number}: indexed without dir_index", inode.Number, default);
        }
        if (inode.Has(InodeFlags.Casefold) && !geometry.Has(IncompatFeatures.Casefold))
        {
            Ext4CorruptException.Throw(
                Corruption.InodeFlags, $"inode {inode.Number}: casefold without the feature", inode.Number, default);
        }
    }

    private static void CheckKind(Inode inode)
    {
        if (inode.Kind is not (FileKind.Fifo or FileKind.CharacterDevice or FileKind.Directory or FileKind.BlockDevice
            or FileKind.Regular or FileKind.Symlink or FileKind.Socket))
        {
            Ext4CorruptException.Throw(
                Corruption.InodeMode, $"inode {inode.Number}: mode {inode.Mode:x4}", inode.Number, default);
        }
    }
}

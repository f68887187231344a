using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Finds the leaf of a name through a directory's index.</summary>
internal static class DirectoryIndex
{
    /// <summary>Whether a block of an indexed directory, not its first, is a node of the index.</summary>
    public static bool IsNode(ReadOnlySpan<byte> block, DirectoryLayout layout)
    {
        ref readonly DirectoryRecordHeader fake = ref Disk.At<DirectoryRecordHeader>(block, 0);
        return fake.Inode == 0
            && DirectoryRecordHeader.DecodeLength(fake.RawLength, layout.BlockSizeBytes) == layout.BlockSizeBytes;
    }

    /// <summary>The file block of the leaf where a name belongs.</summary>
    /// <exception cref="Ext4CorruptException">The index is damaged.</exception>
    public static uint FindLeaf(
        ReplayInode inode, DirectoryFormat format, Func<uint, byte[]> read, ReadOnlySpan<byte> name)
    {
        DirectoryLayout layout = format.Layout(inode);
        byte[] block = read(0);
        HashTreeRoot root = HashTreeRoot.Decode(block, layout, format.MaximumIndirectLevels);
        uint hash = format.Hasher(inode, root.HashVersion).Compute(name).Major;
        uint child = 0;
        for (int level = 0; level <= root.IndirectLevels; level++)
        {
            HashTreeNode node = HashTreeNode.Decode(level == 0 ? block : read(child), level == 0, layout);
            child = node.BlockAt(node.Find(hash));
        }
        if (child == 0 || IsNode(read(child), layout))
        {
            Ext4CorruptException.Throw(Corruption.HashTreeNode, $"index of directory {inode.Number}: leaf {child}");
        }
        return child;
    }
}

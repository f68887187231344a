using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Where a node is in its tree, as the level above says.</summary>
/// <param name="Inode">Whose tree.</param>
/// <param name="Block">The node's block; 0 for the root, which is in the inode.</param>
/// <param name="Depth">The depth it must have; the root says itself.</param>
/// <param name="First">First file block it covers.</param>
/// <param name="End">First file block it does not cover any more.</param>
internal readonly record struct ExtentNodePlace(InodeNumber Inode, FsBlock Block, int Depth, uint First, ulong End)
{
    /// <summary>File blocks are 32 bits wide, and the last number is not used (EXT_MAX_BLOCKS).</summary>
    public const ulong FileEnd = uint.MaxValue;

    public bool IsRoot => Block.Value == 0;

    public static ExtentNodePlace Root(InodeNumber inode) => new(inode, default, 0, 0, FileEnd);

    /// <summary>The place of the node that an entry of this valid node points at.</summary>
    public ExtentNodePlace Child(ExtentNode node, int index)
    {
        ulong end = index + 1 < node.Count ? node.FirstFileBlock(index + 1) : End;
        return new ExtentNodePlace(Inode, node.Index(index).Node, node.Depth - 1, node.FirstFileBlock(index), end);
    }

    public string Describe() => IsRoot ? $"extent root of inode {Inode}" : $"extent block {Block} of inode {Inode}";
}

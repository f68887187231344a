using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>The nodes from the root of an extent tree to one leaf, read, checked and kept in memory. Valid while the
/// inode's lock is held exclusively and until the tree is changed.</summary>
internal sealed class ExtentPath
{
    private const int Levels = ExtentHeader.MaximumDepth + 1;

    private readonly BlockFrame?[] _frames = new BlockFrame?[Levels];
    private readonly ExtentNodePlace[] _places = new ExtentNodePlace[Levels];
    private readonly int[] _indexes = new int[Levels];

    /// <summary>Whose tree; null while empty.</summary>
    public Inode? Inode { get; private set; }

    /// <summary>Level of the leaf; the root is level 0.</summary>
    public int Depth { get; private set; }

    /// <summary>Where each node is.</summary>
    public ExtentNodePlace PlaceAt(int level) => _places[level];

    /// <summary>The entry taken on each level; on the leaf the last one that begins at or before the block, -1 if none.
    /// </summary>
    public int IndexAt(int level) => _indexes[level];

    /// <summary>A node's bytes for reading.</summary>
    public ExtentNode NodeAt(int level) =>
        new(level == 0 ? Inode!.BlockAreaBytes : _frames[level]!.Bytes);

    /// <summary>Walks to the leaf that covers a file block, or the first one when all begin behind it.</summary>
    /// <exception cref="Ext4CorruptException">A node on the way is damaged.</exception>
    public void Walk(ExtentReader reader, Geometry geometry, Inode inode, uint fileBlock)
    {
        Release();
        Inode = inode;
        _places[0] = ExtentNodePlace.Root(inode.Number);
        NodeAt(0).Validate(in _places[0], geometry);
        int depth = NodeAt(0).Depth;
        Depth = 0;
        while (Depth < depth)
        {
            ExtentNode node = NodeAt(Depth);
            int index = Math.Max(0, node.Find(fileBlock));
            _indexes[Depth] = index;
            _places[Depth + 1] = _places[Depth].Child(node, index);
            using BlockLease lease = reader.Open(inode, in _places[Depth + 1]);
            lease.Frame.AddPin();
            Depth++;
            _frames[Depth] = lease.Frame;
        }
        _indexes[Depth] = NodeAt(Depth).Find(fileBlock);
    }

    /// <summary>Lets the nodes go.</summary>
    public void Release()
    {
        for (int level = 1; level <= Depth; level++)
        {
            _frames[level]?.Unpin();
            _frames[level] = null;
        }
        Depth = 0;
        Inode = null;
    }
}

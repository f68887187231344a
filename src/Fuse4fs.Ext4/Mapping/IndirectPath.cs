using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>The numbers that lead to a file block, from the inode down to the block of numbers that holds its own, as far
/// as they exist: read, checked and kept in memory. Valid while the inode's lock is held exclusively.</summary>
internal sealed class IndirectPath
{
    private readonly BlockFrame?[] _frames = new BlockFrame?[IndirectLayout.MaximumLevels + 1];
    private readonly int[] _indexes = new int[IndirectLayout.MaximumLevels + 1];

    /// <summary>Whose map; null while empty.</summary>
    public Inode? Inode { get; private set; }

    /// <summary>Level of the node whose numbers are blocks of the file; the inode is level 0.</summary>
    public int Depth { get; private set; }

    /// <summary>Level of the deepest node that exists.</summary>
    public int Present { get; private set; }

    /// <summary>The number taken in each node; below <see cref="Present"/> the one that will be.</summary>
    public int IndexAt(int level) => _indexes[level];

    /// <summary>Where a node is; not the inode.</summary>
    public FsBlock BlockAt(int level) => _frames[level]!.Block;

    /// <summary>A node's numbers, for reading.</summary>
    public ReadOnlySpan<byte> NumbersAt(int level) =>
        level == 0 ? Inode!.BlockAreaBytes : _frames[level]!.Bytes;

    /// <summary>A number of a node; 0 for none.</summary>
    public uint NumberAt(int level, int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(NumbersAt(level)[(index * IndirectLayout.NumberBytes)..]);

    /// <summary>Walks towards a file block.</summary>
    /// <param name="layout">Of the volume.</param>
    /// <param name="read">Checks a number and reads its block.</param>
    /// <param name="inode">Has a block map.</param>
    /// <param name="fileBlock">Within the map's reach.</param>
    /// <exception cref="Ext4CorruptException">A number on the way is impossible.</exception>
    public void Walk(IndirectLayout layout, Func<Inode, uint, BlockLease> read, Inode inode, uint fileBlock)
    {
        Release();
        Inode = inode;
        layout.TryLocate(fileBlock, out int rootIndex, out int depth);
        Depth = depth;
        _indexes[0] = rootIndex;
        ulong rest = fileBlock - layout.FirstOf(rootIndex);
        for (int level = 1; level <= depth; level++)
        {
            ulong reach = layout.ReachOf(depth - level);
            _indexes[level] = (int)(rest / reach);
            rest %= reach;
        }
        while (Present < depth && NumberAt(Present, _indexes[Present]) is uint number and not 0)
        {
            using BlockLease lease = read(inode, number);
            Attach(lease.Frame);
        }
    }

    /// <summary>The next node down exists now.</summary>
    public void Attach(BlockFrame frame)
    {
        frame.AddPin();
        _frames[++Present] = frame;
    }

    /// <summary>First file block that a number of a node leads to.</summary>
    public ulong FirstOf(IndirectLayout layout, int level, int index)
    {
        if (level == 0)
        {
            return layout.FirstOf(index);
        }
        ulong first = layout.FirstOf(_indexes[0]);
        for (int above = 1; above < level; above++)
        {
            first += (ulong)_indexes[above] * layout.ReachOf(Depth - above);
        }
        return first + ((ulong)index * layout.ReachOf(Depth - level));
    }

    /// <summary>Lets the nodes go.</summary>
    public void Release()
    {
        for (int level = 1; level <= Present; level++)
        {
            _frames[level]!.Unpin();
            _frames[level] = null;
        }
        Depth = 0;
        Present = 0;
        Inode = null;
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Which numbers lead to a file block in the maps of ext2 and ext3: twelve in the inode are blocks of the file,
/// the other three are roots of trees of one, two and three levels. Docs: ext4/blockmap.</summary>
internal sealed class IndirectLayout(Geometry geometry)
{
    /// <summary>Numbers in the inode that are blocks of the file themselves.</summary>
    public const int DirectBlocks = 12;

    /// <summary>Levels of the deepest tree.</summary>
    public const int MaximumLevels = 3;

    /// <summary>All numbers in the inode.</summary>
    public const int RootNumbers = DirectBlocks + MaximumLevels;

    /// <summary>Bytes of a number.</summary>
    public const int NumberBytes = 4;

    private const int SectorShift = 9;

    private readonly int _shift = geometry.BlockSizeShift - 2;

    /// <summary>How many numbers a block holds.</summary>
    public int NumbersPerBlock => 1 << _shift;

    /// <summary>File blocks that one number reaches with so many levels of blocks of numbers below it.</summary>
    public ulong ReachOf(int levels) => 1ul << (_shift * levels);

    /// <summary>First file block that a number in the inode leads to.</summary>
    public ulong FirstOf(int rootIndex)
    {
        ulong first = (ulong)Math.Min(rootIndex, DirectBlocks);
        for (int levels = 1; levels <= rootIndex - DirectBlocks; levels++)
        {
            first += ReachOf(levels);
        }
        return first;
    }

    /// <summary>Finds the number in the inode that leads to a file block.</summary>
    /// <param name="fileBlock">Any.</param>
    /// <param name="rootIndex">Of the number.</param>
    /// <param name="levels">Levels of blocks of numbers below it; 0 when it is the file block itself.</param>
    /// <returns>False behind the last block that a map can reach.</returns>
    public bool TryLocate(uint fileBlock, out int rootIndex, out int levels)
    {
        levels = 0;
        rootIndex = (int)Math.Min(fileBlock, DirectBlocks);
        if (fileBlock < DirectBlocks)
        {
            return true;
        }
        for (levels = 1; levels <= MaximumLevels; levels++, rootIndex++)
        {
            if (fileBlock < FirstOf(rootIndex) + ReachOf(levels))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Largest size of a file: what its numbers reach, or what i_blocks can count, blocks of numbers included.
    /// Kernel: ext4_max_bitmap_size.</summary>
    public long MaximumFileBytes
    {
        get
        {
            ulong blocks = FirstOf(RootNumbers);
            ulong limit = geometry.Has(RoCompatFeatures.HugeFile)
                ? (1ul << 48) - 1
                : uint.MaxValue >> (geometry.BlockSizeShift - SectorShift);
            blocks = blocks + NodesOf(blocks) <= limit ? blocks : limit - NodesOf(limit);
            return (long)Math.Min(blocks, ExtentNodePlace.FileEnd) << geometry.BlockSizeShift;
        }
    }

    /// <summary>Blocks of numbers of a file without holes.</summary>
    private ulong NodesOf(ulong blocks)
    {
        ulong nodes = 0;
        ulong rest = blocks - Math.Min(blocks, DirectBlocks);
        for (int levels = 1; levels <= MaximumLevels && rest > 0; levels++)
        {
            ulong inTree = Math.Min(rest, ReachOf(levels));
            for (int level = 1; level <= levels; level++)
            {
                nodes += (inTree + ReachOf(level) - 1) / ReachOf(level);
            }
            rest -= inTree;
        }
        return nodes;
    }
}

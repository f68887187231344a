using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Reads the block maps of ext2 and ext3: twelve direct blocks, then trees of one, two and three levels.
/// Docs: ext4/blockmap.</summary>
internal sealed class IndirectReader(VolumeContext context)
{
    private const int DirectBlocks = 12;

    /// <summary>File blocks described at once: bounds the work for blocks that hold thousands of numbers.</summary>
    private const uint PartBlocks = MapWindow.Capacity;

    private readonly int _numbersShift = context.Geometry.BlockSizeShift - 2;

    /// <summary>What the block of numbers that maps a file block says about its neighbourhood.</summary>
    /// <exception cref="Ext4CorruptException">A number is outside the volume.</exception>
    public MapWindow LoadPart(Inode inode, uint fileBlock)
    {
        if (fileBlock < DirectBlocks)
        {
            MapWindow direct = MapWindow.Begin(0, DirectBlocks);
            Collect(inode, inode.BlockAreaBytes[..(DirectBlocks * 4)], 0, direct);
            return direct;
        }
        ulong first = DirectBlocks;
        for (int levels = 1; levels <= 3; levels++)
        {
            ulong covered = 1ul << (_numbersShift * levels);
            if (fileBlock < first + covered)
            {
                uint root = BinaryPrimitives.ReadUInt32LittleEndian(inode.BlockAreaBytes[((11 + levels) * 4)..]);
                return Descend(inode, root, levels, (uint)first, fileBlock);
            }
            first += covered;
        }
        return MapWindow.Begin((uint)Math.Min(first, fileBlock), ExtentNodePlace.FileEnd);
    }

    /// <param name="inode">Whose map.</param>
    /// <param name="block">Root of a tree of <paramref name="levels"/> levels; 0 for none.</param>
    /// <param name="levels">1 to 3.</param>
    /// <param name="first">First file block of the tree.</param>
    /// <param name="wanted">A file block of the tree.</param>
    private MapWindow Descend(Inode inode, uint block, int levels, uint first, uint wanted)
    {
        while (true)
        {
            if (block == 0)
            {
                ulong end = first + (1ul << (_numbersShift * levels));
                return MapWindow.Begin(first, Math.Min(end, ExtentNodePlace.FileEnd));
            }
            CheckBlock(inode, block);
            using BlockLease lease = context.Cache.Read(new FsBlock(block));
            if (levels == 1)
            {
                return CollectPart(inode, lease.Bytes, first, wanted);
            }
            levels--;
            int shift = _numbersShift * levels;
            uint index = (wanted - first) >> shift;
            first += index << shift;
            block = BinaryPrimitives.ReadUInt32LittleEndian(lease.Bytes[(int)(index * 4)..]);
        }
    }

    private MapWindow CollectPart(Inode inode, ReadOnlySpan<byte> numbers, uint first, uint wanted)
    {
        uint from = (wanted - first) / PartBlocks * PartBlocks;
        uint count = Math.Min(PartBlocks, (1u << _numbersShift) - from);
        uint partFirst = first + from;
        ulong end = Math.Min((ulong)partFirst + count, ExtentNodePlace.FileEnd);
        MapWindow window = MapWindow.Begin(partFirst, end);
        count = (uint)(end - partFirst);
        Collect(inode, numbers.Slice((int)from * 4, (int)count * 4), partFirst, window);
        return window;
    }

    private void Collect(Inode inode, ReadOnlySpan<byte> numbers, uint first, MapWindow window)
    {
        for (int i = 0; i < numbers.Length / 4; i++)
        {
            uint block = BinaryPrimitives.ReadUInt32LittleEndian(numbers[(i * 4)..]);
            if (block != 0)
            {
                CheckBlock(inode, block);
                var extent = new Extent(first + (uint)i, new FsBlock(block), 1, IsUnwritten: false);
                window.Append(in extent, first);
            }
        }
    }

    private void CheckBlock(Inode inode, uint block)
    {
        if (!context.Geometry.IsDataRange(new FsBlock(block), 1))
        {
            Ext4CorruptException.Throw(
                Corruption.BlockOutOfVolume, $"block map of inode {inode.Number}: block {block}");
        }
    }
}

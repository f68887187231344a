using System.Buffers.Binary;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Makes an extent tree of a file's block map: read and reserved before, changed in one handle, so that the file
/// has one map or the other. The data stays where it is.</summary>
/// <remarks>Needs the inode's lock exclusively. Kernel: ext4_ext_migrate.</remarks>
internal sealed class MapConversion(VolumeContext context, BlockAllocator allocator, InodeTable inodes, ExtentTree tree)
    : IDisposable
{
    private readonly Geometry _geometry = context.Geometry;
    private readonly IndirectLayout _layout = new(context.Geometry);
    private readonly List<Extent> _extents = [];
    private readonly HashSet<uint> _oldNodes = [];
    private readonly HashSet<uint> _oldGroups = [];
    private readonly List<BlockRun> _reserved = [];
    private int _nodes;

    /// <summary>Blocks that <see cref="Apply"/> adds to a transaction.</summary>
    public int Credits => inodes.StoreCredits + _nodes + (_reserved.Count * BlockAllocator.CommitCredits)
        + (_oldGroups.Count * 2);

    /// <summary>Journaled blocks that it frees.</summary>
    public int Forgets => _oldNodes.Count;

    /// <summary>Reads the map and reserves the tree's nodes.</summary>
    /// <param name="inode">Has a block map.</param>
    /// <param name="maximumNodes">Most nodes of either map that one handle can change.</param>
    /// <returns>NoSpace when there are none, or more than that, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno Prepare(Inode inode, int maximumNodes)
    {
        var pending = new Stack<(uint Number, int Levels, ulong First)>();
        for (int root = IndirectLayout.RootNumbers - 1; root >= 0; root--)
        {
            int levels = Math.Max(0, root - IndirectLayout.DirectBlocks + 1);
            pending.Push((NumberAt(inode.BlockAreaBytes, root), levels, _layout.FirstOf(root)));
        }
        while (pending.TryPop(out (uint Number, int Levels, ulong First) part))
        {
            if (part.Number == 0)
            {
                continue;
            }
            if (part.Levels == 0)
            {
                AddBlock(inode, part.First, part.Number);
                continue;
            }
            if (_oldNodes.Count >= maximumNodes)
            {
                return Errno.NoSpace;
            }
            Open(inode, part, pending);
        }
        _nodes = tree.NodesFor(_extents.Count);
        return _nodes > maximumNodes ? Errno.NoSpace : Reserve(inode);
    }

    /// <summary>Exchanges the maps. The inode is stored by the caller.</summary>
    public void Apply(Handle handle, Inode inode)
    {
        foreach (uint node in _oldNodes)
        {
            allocator.Free(handle, new BlockRun(new FsBlock(node), 1), isMetadata: true);
        }
        var nodes = new Queue<FsBlock>();
        foreach (BlockRun run in _reserved)
        {
            allocator.Commit(handle, run);
            for (uint i = 0; i < run.LengthBlocks; i++)
            {
                nodes.Enqueue(run.Start + i);
            }
        }
        _reserved.Clear();
        ulong sectorsPerBlock = (ulong)_geometry.BlockSizeBytes >> 9;
        inode.Sectors -= Math.Min(inode.Sectors, (ulong)_oldNodes.Count * sectorsPerBlock);
        inode.Sectors += (ulong)_nodes * sectorsPerBlock;
        tree.Build(handle, inode, _extents, nodes);
    }

    /// <summary>Ends it, applied or not.</summary>
    public void Dispose()
    {
        _reserved.ForEach(allocator.Cancel);
        _reserved.Clear();
    }

    private Errno Reserve(Inode inode)
    {
        var goal = new AllocationGoal { Owner = inode.Number, Near = _extents.Count > 0 ? _extents[0].Start : default };
        for (int missing = _nodes; missing > 0;)
        {
            Errno error = allocator.Reserve(in goal, (uint)missing, SpaceClaim.Metadata, out BlockRun run);
            if (error != Errno.Ok)
            {
                return error;
            }
            _reserved.Add(run);
            missing -= (int)run.LengthBlocks;
        }
        return Errno.Ok;
    }

    private void Open(
        Inode inode, (uint Number, int Levels, ulong First) part, Stack<(uint Number, int Levels, ulong First)> pending)
    {
        var block = new FsBlock(part.Number);
        if (allocator.IsForbidden(block, 1) || !_oldNodes.Add(part.Number))
        {
            throw Damaged(inode, part.Number);
        }
        allocator.PrepareFree(new BlockRun(block, 1));
        _oldGroups.Add(_geometry.GroupOf(block).Value);
        using BlockLease lease = context.Cache.Read(block);
        ulong reach = _layout.ReachOf(part.Levels - 1);
        for (int i = _layout.NumbersPerBlock - 1; i >= 0 && part.Levels > 1; i--)
        {
            uint number = NumberAt(lease.Bytes, i);
            if (number != 0)
            {
                pending.Push((number, part.Levels - 1, part.First + ((ulong)i * reach)));
            }
        }
        for (int i = 0; i < _layout.NumbersPerBlock && part.Levels == 1; i++)
        {
            uint number = NumberAt(lease.Bytes, i);
            if (number != 0)
            {
                AddBlock(inode, part.First + (ulong)i, number);
            }
        }
    }

    private void AddBlock(Inode inode, ulong fileBlock, uint number)
    {
        var block = new FsBlock(number);
        if (!_geometry.IsDataRange(block, 1) || fileBlock >= ExtentNodePlace.FileEnd)
        {
            throw Damaged(inode, number);
        }
        var next = new Extent((uint)fileBlock, block, 1, IsUnwritten: false);
        if (_extents.Count > 0 && _extents[^1].IsContinuedBy(in next)
            && _extents[^1].LengthBlocks < ExtentEntry.MaximumWrittenLength)
        {
            _extents[^1] = _extents[^1] with { LengthBlocks = _extents[^1].LengthBlocks + 1 };
            return;
        }
        _extents.Add(next);
    }

    private static uint NumberAt(ReadOnlySpan<byte> numbers, int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(numbers[(index * IndirectLayout.NumberBytes)..]);

    private static Ext4CorruptException Damaged(Inode inode, uint number) =>
        new(Corruption.BlockOutOfVolume, $"block map of inode {inode.Number}: block {number}");
}

using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>A prepared change of one leaf of a file's map: everything that can fail is done, what it needs is reserved.
/// Used again and again by its owner; <see cref="Finish"/> gives back what was not used.</summary>
internal sealed class MapChange
{
    /// <summary>One node per level may be split, and the root may grow.</summary>
    private const int MaximumNewNodes = ExtentHeader.MaximumDepth + 2;

    private readonly BlockRun[] _newNodes = new BlockRun[MaximumNewNodes];
    private int _reserved;
    private int _used;

    /// <summary>The nodes that will change, of an extent tree.</summary>
    public ExtentPath Path { get; } = new();

    /// <summary>The nodes that will change, of a block map.</summary>
    public IndirectPath Numbers { get; } = new();

    /// <summary>Blocks the change will add to the handle's transaction, the inode's own included.</summary>
    public int Credits { get; set; }

    /// <summary>Journaled blocks the change will free.</summary>
    public int Forgets { get; set; }

    /// <summary>First file block behind what this change covers: the leaf's end, or where its budget ended. The operation
    /// goes on there.</summary>
    public ulong End { get; set; }

    /// <summary>Leaf entries the change concerns: from here ...</summary>
    public int FirstEntry { get; set; }

    /// <summary>... up to here; equal when there are none.</summary>
    public int EndEntry { get; set; }

    /// <summary>Nodes of a block map, from the deepest one up, that the change leaves empty: they are freed.</summary>
    public int EmptiedNodes { get; set; }

    /// <summary>The cluster in which a removal begins holds blocks before it, so that it stays.</summary>
    public bool KeepsFirstCluster { get; set; }

    /// <summary>The cluster in which a removal ends holds blocks behind it, so that it stays.</summary>
    public bool KeepsLastCluster { get; set; }

    /// <summary>Whether there is anything to apply.</summary>
    public bool HasEntries => FirstEntry < EndEntry || EmptiedNodes > 0;

    /// <summary>Whether the change may free nodes.</summary>
    public bool MayShrink { get; set; }

    /// <summary>Who prepared it last, and knows how to apply and to end it; null before the first.</summary>
    public IMapEditor? Editor { get; set; }

    /// <inheritdoc cref="IMapEditor.Insert"/>
    public void Insert(Handle handle, in Extent extent, uint freshBlocks) =>
        Editor!.Insert(handle, this, in extent, freshBlocks);

    /// <inheritdoc cref="IMapEditor.Remove"/>
    public void Remove(Handle handle, uint first) => Editor!.Remove(handle, this, first);

    /// <inheritdoc cref="IMapEditor.Finish"/>
    public void Finish() => Editor?.Finish(this);

    /// <summary>Keeps blocks for new nodes, and counts the credits they take.</summary>
    /// <returns>NoSpace, or Ok; what was kept by then is given back by <see cref="Finish"/>.</returns>
    public Errno ReserveNodes(BlockAllocator allocator, in AllocationGoal goal, int count)
    {
        for (; count > 0; count--)
        {
            Errno error = allocator.Reserve(in goal, 1, SpaceClaim.Metadata, out BlockRun run);
            if (error != Errno.Ok)
            {
                return error;
            }
            _newNodes[_reserved++] = run;
            Credits += 1 + BlockAllocator.CommitCredits;
        }
        return Errno.Ok;
    }

    /// <summary>Takes one of the blocks kept.</summary>
    public BlockRun TakeNode() => _newNodes[_used++];

    /// <summary>Forgets the nodes kept.</summary>
    /// <returns>Those not taken.</returns>
    public ReadOnlySpan<BlockRun> TakeUnused()
    {
        ReadOnlySpan<BlockRun> unused = _newNodes.AsSpan(_used, _reserved - _used);
        _reserved = 0;
        _used = 0;
        return unused;
    }
}

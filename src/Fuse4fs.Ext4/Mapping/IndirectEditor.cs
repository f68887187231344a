using System.Buffers.Binary;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Changes the block maps of ext2 and ext3, one block of numbers at a time. Same contract as
/// <see cref="ExtentTree"/>.</summary>
/// <remarks>
/// <para>These maps know no unwritten state: what is inserted is filled already. A block of numbers that a removal leaves
/// empty is freed in the same handle, and those above it that become empty by that.</para>
/// <para>Docs: ext4/blockmap. Kernel: fs/ext4/indirect.c.</para>
/// </remarks>
internal sealed class IndirectEditor : IMapEditor
{
    private readonly VolumeContext _context;
    private readonly BlockAllocator _allocator;
    private readonly InodeTable _inodes;
    private readonly Geometry _geometry;
    private readonly IndirectLayout _layout;
    private readonly Func<Inode, uint, BlockLease> _openNode;
    private readonly ulong _sectorsPerBlock;

    public IndirectEditor(VolumeContext context, BlockAllocator allocator, InodeTable inodes)
    {
        _context = context;
        _allocator = allocator;
        _inodes = inodes;
        _geometry = context.Geometry;
        _layout = new IndirectLayout(_geometry);
        _openNode = OpenNode;
        MaximumFileBytes = _layout.MaximumFileBytes;
        _sectorsPerBlock = (ulong)_geometry.BlockSizeBytes >> 9;
    }

    /// <inheritdoc/>
    public long MaximumFileBytes { get; }

    /// <inheritdoc/>
    public ulong InsertLimit(uint fileBlock)
    {
        if (!_layout.TryLocate(fileBlock, out int rootIndex, out int levels))
        {
            return fileBlock;
        }
        if (levels == 0)
        {
            return IndirectLayout.DirectBlocks;
        }
        ulong first = _layout.FirstOf(rootIndex);
        ulong node = (fileBlock - first) / _layout.ReachOf(1);
        return Math.Min(first + ((node + 1) * _layout.ReachOf(1)), ExtentNodePlace.FileEnd);
    }

    /// <inheritdoc/>
    public Errno PrepareInsert(Inode inode, uint fileBlock, FsBlock near, MapChange change)
    {
        CheckClusters(inode);
        if (!_layout.TryLocate(fileBlock, out _, out _))
        {
            return Errno.FileTooBig;
        }
        IndirectPath path = Begin(inode, fileBlock, change);
        change.End = InsertLimit(fileBlock);
        ulong most = change.End - fileBlock + IndirectLayout.MaximumLevels;
        if (!InodeEncoder.CanCount(_geometry, inode.Sectors + (most * _sectorsPerBlock)))
        {
            return Errno.FileTooBig;
        }
        var goal = new AllocationGoal { Owner = inode.Number, Near = near, IsBlockMapped = true };
        return change.ReserveNodes(_allocator, in goal, path.Depth - path.Present);
    }

    /// <inheritdoc/>
    public void Insert(Handle handle, MapChange change, in Extent extent, uint freshBlocks)
    {
        IndirectPath path = change.Numbers;
        Inode inode = path.Inode!;
        inode.IsDataStorePending = true;
        while (path.Present < path.Depth)
        {
            AddNode(handle, change);
        }
        inode.Sectors += freshBlocks * _sectorsPerBlock;
        inode.Map.Set(in extent);
        int from = path.IndexAt(path.Depth);
        if (path.Depth == 0)
        {
            Fill(inode.BlockAreaBytes, from, in extent);
            return;
        }
        using BlockLease leaf = handle.Update(path.BlockAt(path.Depth));
        Fill(leaf.Bytes, from, in extent);
    }

    /// <inheritdoc/>
    public Errno PrepareRemove(
        Inode inode, uint first, ulong end, int maximumCredits, int maximumForgets, MapChange change)
    {
        CheckClusters(inode);
        if (!_layout.TryLocate(first, out _, out _))
        {
            Begin(change);
            change.End = end;
            return Errno.Ok;
        }
        IndirectPath path = Begin(inode, first, change);
        change.Forgets = path.Present;
        int next = path.IndexAt(path.Present);
        bool isWhole = true;
        if (path.Present == path.Depth)
        {
            isWhole = PrepareNumbers(change, first, end, maximumCredits, maximumForgets);
            next = change.EndEntry - 1;
        }
        change.EmptiedNodes = CountEmptied(change);
        for (int level = path.Present; level > path.Present - change.EmptiedNodes; level--)
        {
            BlockRun node = NodeRun(path, level);
            _allocator.PrepareFree(node);
            change.Credits += _allocator.FreeCredits(node);
        }
        if (isWhole)
        {
            change.End = Math.Min(end, FirstInUseBehind(path, path.Present, next));
        }
        TrimEntries(change);
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Remove(Handle handle, MapChange change, uint first)
    {
        IndirectPath path = change.Numbers;
        Inode inode = path.Inode!;
        inode.IsDataStorePending = true;
        for (int i = change.FirstEntry; i < change.EndEntry;)
        {
            BlockRun run = RunAt(path, ref i, change.EndEntry);
            if (!run.IsEmpty)
            {
                _allocator.Free(handle, run, isMetadata: inode.HasJournaledData);
                ReduceSectors(inode, run.LengthBlocks);
            }
        }
        inode.Map.Remove(first, change.End);
        int level = path.Present;
        for (int freed = 0; freed < change.EmptiedNodes; freed++, level--)
        {
            _allocator.Free(handle, NodeRun(path, level), isMetadata: true);
            ReduceSectors(inode, 1);
        }
        (int from, int count) = change.EmptiedNodes > 0
            ? (path.IndexAt(level), 1)
            : (change.FirstEntry, change.EndEntry - change.FirstEntry);
        Range cleared = (from * IndirectLayout.NumberBytes)..((from + count) * IndirectLayout.NumberBytes);
        if (level == 0)
        {
            inode.BlockAreaBytes[cleared].Clear();
            return;
        }
        using BlockLease kept = handle.Update(path.BlockAt(level));
        kept.Bytes[cleared].Clear();
    }

    /// <inheritdoc/>
    public void Finish(MapChange change)
    {
        change.Numbers.Release();
        foreach (BlockRun run in change.TakeUnused())
        {
            _allocator.Cancel(run);
        }
    }

    private IndirectPath Begin(Inode inode, uint fileBlock, MapChange change)
    {
        Begin(change);
        change.Numbers.Walk(_layout, _openNode, inode, fileBlock);
        change.Credits += change.Numbers.Present;
        return change.Numbers;
    }

    private void Begin(MapChange change)
    {
        change.Editor?.Finish(change);
        change.Editor = this;
        change.Credits = _inodes.StoreCredits;
        change.Forgets = 0;
        change.FirstEntry = 0;
        change.EndEntry = 0;
        change.EmptiedNodes = 0;
    }

    /// <summary>Looks at the numbers of the leaf that are in the range: checks the blocks and counts what freeing them
    /// takes.</summary>
    /// <returns>False when the range ends inside the leaf, or the budget does: then the change's end says where.</returns>
    private bool PrepareNumbers(MapChange change, uint first, ulong end, int maximumCredits, int maximumForgets)
    {
        IndirectPath path = change.Numbers;
        Inode inode = path.Inode!;
        int from = path.IndexAt(path.Depth);
        int capacity = path.Depth == 0 ? IndirectLayout.DirectBlocks : _layout.NumbersPerBlock;
        int limit = (int)Math.Min((ulong)capacity, (ulong)from + (end - first));
        int at = from;
        while (at < limit)
        {
            int start = at;
            BlockRun run = RunAt(path, ref at, limit);
            if (run.IsEmpty)
            {
                continue;
            }
            bool isOver = change.Credits >= maximumCredits && start > from;
            if (inode.HasJournaledData && !isOver)
            {
                int allowed = Math.Max(start > from ? 0 : 1, maximumForgets - change.Forgets);
                run = run with { LengthBlocks = (uint)Math.Min(run.LengthBlocks, allowed) };
                isOver = run.IsEmpty;
                at = start + (int)run.LengthBlocks;
                change.Forgets += (int)run.LengthBlocks;
                limit = run.LengthBlocks == allowed ? at : limit;
            }
            if (isOver)
            {
                at = start;
                break;
            }
            _allocator.PrepareFree(run);
            change.Credits += _allocator.FreeCredits(run);
        }
        change.FirstEntry = from;
        change.EndEntry = at;
        change.End = Math.Min((ulong)first + (uint)(at - from), ExtentNodePlace.FileEnd);
        return at == capacity;
    }

    /// <summary>Nodes, from the deepest one up, that have no number left when the change's entries are gone.</summary>
    private static int CountEmptied(MapChange change)
    {
        IndirectPath path = change.Numbers;
        int emptied = 0;
        int from = change.FirstEntry;
        int end = change.EndEntry;
        for (int level = path.Present; level > 0; level--, emptied++)
        {
            ReadOnlySpan<byte> numbers = path.NumbersAt(level);
            bool isEmpty = IsZero(numbers[..(from * IndirectLayout.NumberBytes)])
                && IsZero(numbers[(end * IndirectLayout.NumberBytes)..]);
            if (!isEmpty)
            {
                break;
            }
            from = path.IndexAt(level - 1);
            end = from + 1;
        }
        return emptied;
    }

    /// <summary>Entries that are holes already need no change; when all are, nothing is to be applied but for empty
    /// nodes.</summary>
    private static void TrimEntries(MapChange change)
    {
        IndirectPath path = change.Numbers;
        while (change.FirstEntry < change.EndEntry && path.NumberAt(path.Depth, change.FirstEntry) == 0)
        {
            change.FirstEntry++;
        }
    }

    /// <summary>First file block behind a number that any number leads to.</summary>
    private ulong FirstInUseBehind(IndirectPath path, int level, int index)
    {
        for (; level >= 0; level--)
        {
            int count = level == 0 ? IndirectLayout.RootNumbers : _layout.NumbersPerBlock;
            for (index++; index < count; index++)
            {
                if (path.NumberAt(level, index) != 0)
                {
                    return Math.Min(path.FirstOf(_layout, level, index), ExtentNodePlace.FileEnd);
                }
            }
            index = level > 0 ? path.IndexAt(level - 1) : 0;
        }
        return ExtentNodePlace.FileEnd;
    }

    /// <summary>The run of neighbouring blocks at an entry of the leaf, or a hole's one entry.</summary>
    private static BlockRun RunAt(IndirectPath path, ref int index, int limit)
    {
        uint start = path.NumberAt(path.Depth, index);
        int from = index++;
        if (start == 0)
        {
            return default;
        }
        while (index < limit && path.NumberAt(path.Depth, index) == start + (ulong)(index - from))
        {
            index++;
        }
        return new BlockRun(new FsBlock(start), (uint)(index - from));
    }

    /// <summary>Makes the first node that is missing.</summary>
    private void AddNode(Handle handle, MapChange change)
    {
        IndirectPath path = change.Numbers;
        Inode inode = path.Inode!;
        BlockRun run = change.TakeNode();
        _allocator.Commit(handle, run);
        inode.Sectors += _sectorsPerBlock;
        int place = path.IndexAt(path.Present) * IndirectLayout.NumberBytes;
        if (path.Present == 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(inode.BlockAreaBytes[place..], (uint)run.Start.Value);
        }
        else
        {
            using BlockLease above = handle.Update(path.BlockAt(path.Present));
            BinaryPrimitives.WriteUInt32LittleEndian(above.Bytes[place..], (uint)run.Start.Value);
        }
        using BlockLease node = handle.Create(run.Start);
        path.Attach(node.Frame);
    }

    private static void Fill(Span<byte> numbers, int from, in Extent extent)
    {
        for (uint i = 0; i < extent.LengthBlocks; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                numbers[((from + (int)i) * IndirectLayout.NumberBytes)..], (uint)(extent.Start.Value + i));
        }
    }

    private BlockLease OpenNode(Inode inode, uint number)
    {
        var block = new FsBlock(number);
        if (_allocator.IsForbidden(block, 1))
        {
            Ext4CorruptException.Throw(
                Corruption.BlockOutOfVolume, $"block map of inode {inode.Number}: block {block} of numbers");
        }
        return _context.Cache.Read(block);
    }

    /// <summary>Clusters of several blocks go with extent trees only.</summary>
    private void CheckClusters(Inode inode)
    {
        if (_geometry.ClusterShift != 0)
        {
            Ext4CorruptException.Throw(
                Corruption.ExtentMagic, $"inode {inode.Number}: a block map on a volume with clusters");
        }
    }

    private void ReduceSectors(Inode inode, uint blocks) =>
        inode.Sectors -= Math.Min(inode.Sectors, blocks * _sectorsPerBlock);

    private static BlockRun NodeRun(IndirectPath path, int level) => new(path.BlockAt(level), 1);

    private static bool IsZero(ReadOnlySpan<byte> numbers) => numbers.IndexOfAnyExcept((byte)0) < 0;
}

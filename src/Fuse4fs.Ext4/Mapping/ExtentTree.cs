using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Changes extent trees, one leaf at a time, by the contract of <see cref="IMapEditor"/>.</summary>
/// <remarks>
/// <para>Every change of a leaf is one splice: some entries go, at most three come. A leaf that overflows is split, its
/// parents as needed; a leaf that empties is freed, its parents as needed; keys above follow the first entries below.
/// Files: ExtentTree (preparing), .Changes (what callers want), .Nodes (splices, splits, frees).</para>
/// <para>Docs: ext4/ifork, "Extent Tree".</para>
/// </remarks>
internal sealed partial class ExtentTree(VolumeContext context, BlockAllocator allocator, InodeTable inodes)
    : IMapEditor
{
    private readonly ExtentReader _reader = new(context);
    private readonly Geometry _geometry = context.Geometry;
    private readonly int _nodeCapacity = ExtentHeader.EntriesThatFit(context.Geometry.BlockSizeBytes);
    private readonly uint _inCluster = context.Geometry.BlocksPerCluster - 1;
    private readonly FileMap _map = new(context);
    private readonly ulong _sectorsPerBlock = (ulong)context.Geometry.BlockSizeBytes >> 9;

    /// <summary>Makes an inode's i_block the root of an empty tree.</summary>
    public static void Initialize(Inode inode)
    {
        inode.BlockAreaBytes.Clear();
        ref ExtentHeader header = ref Disk.At<ExtentHeader>(inode.BlockAreaBytes, 0);
        header.Magic = ExtentHeader.ExpectedMagic;
        header.MaximumEntries = (ushort)ExtentHeader.EntriesThatFit(BlockArea.SizeBytes);
        inode.Flags |= InodeFlags.Extents;
    }

    /// <summary>What block numbers reach, or without huge_file what i_blocks can count. Kernel: ext4_max_size.</summary>
    public long MaximumFileBytes { get; } = (long)Math.Min(
        ExtentNodePlace.FileEnd,
        context.Geometry.Has(RoCompatFeatures.HugeFile)
            ? ulong.MaxValue
            : uint.MaxValue >> (context.Geometry.BlockSizeShift - 9)) << context.Geometry.BlockSizeShift;

    /// <inheritdoc/>
    public ulong InsertLimit(uint fileBlock) => ExtentNodePlace.FileEnd;

    /// <inheritdoc/>
    public Errno PrepareInsert(Inode inode, uint fileBlock, FsBlock near, MapChange change)
    {
        Begin(inode, fileBlock, change, mayShrink: false);
        change.FirstEntry = change.Path.IndexAt(change.Path.Depth) + 1;
        change.EndEntry = change.FirstEntry;
        ulong most = ExtentEntry.MaximumWrittenLength
            + ((ulong)(ExtentHeader.MaximumDepth + 2) * _geometry.BlocksPerCluster);
        ulong sectors = inode.Sectors + (most * _sectorsPerBlock);
        return InodeEncoder.CanCount(_geometry, sectors) ? Reserve(change, growth: 1, near) : Errno.FileTooBig;
    }

    /// <summary>Prepares to change the state of mapped blocks, as far as the extent goes that holds the first one.</summary>
    /// <param name="inode">Has an extent tree.</param>
    /// <param name="first">First file block; mapped.</param>
    /// <param name="end">Behind the last one; <see cref="MapChange.End"/> says how far this change will get.</param>
    /// <param name="change">Filled.</param>
    /// <returns>As <see cref="PrepareInsert"/>.</returns>
    public Errno PrepareConvert(Inode inode, uint first, ulong end, MapChange change)
    {
        Begin(inode, first, change, mayShrink: false);
        int index = change.Path.IndexAt(change.Path.Depth);
        Extent extent = index < 0 ? default : ExtentAt(change.Path.NodeAt(change.Path.Depth), index);
        if (index < 0 || extent.EndFileBlock <= first)
        {
            Ext4CorruptException.Throw(Corruption.ExtentOrder, $"inode {inode.Number}: file block {first} is not mapped");
        }
        change.FirstEntry = index;
        change.EndEntry = index + 1;
        // A written extent may be one block longer than an unwritten one can be.
        change.End = Math.Min(
            Math.Min(end, extent.EndFileBlock), (ulong)first + ExtentEntry.MaximumUnwrittenLength);
        int growth = (first > extent.FirstFileBlock ? 1 : 0) + (change.End < extent.EndFileBlock ? 1 : 0);
        return Reserve(change, growth, extent.Start);
    }

    /// <summary>As <see cref="PrepareConvert"/> for the whole of the unwritten extent that holds a block, which takes
    /// no space.</summary>
    /// <param name="inode">Has an extent tree.</param>
    /// <param name="block">A file block; mapped.</param>
    /// <param name="change">Filled; it ends where the extent does.</param>
    /// <param name="extent">The extent.</param>
    public Errno PrepareConvertWhole(Inode inode, uint block, MapChange change, out Extent extent)
    {
        Begin(inode, block, change, mayShrink: false);
        int index = change.Path.IndexAt(change.Path.Depth);
        extent = index < 0 ? default : ExtentAt(change.Path.NodeAt(change.Path.Depth), index);
        if (!extent.IsUnwritten || extent.EndFileBlock <= block)
        {
            Ext4CorruptException.Throw(
                Corruption.ExtentOrder, $"inode {inode.Number}: file block {block} is not unwritten");
        }
        change.FirstEntry = index;
        change.EndEntry = index + 1;
        change.End = extent.EndFileBlock;
        return Reserve(change, growth: 0, extent.Start);
    }

    /// <inheritdoc/>
    public Errno PrepareRemove(
        Inode inode, uint first, ulong end, int maximumCredits, int maximumForgets, MapChange change)
    {
        Begin(inode, first, change, mayShrink: true);
        ExtentNode leaf = change.Path.NodeAt(change.Path.Depth);
        change.End = Math.Min(end, change.Path.PlaceAt(change.Path.Depth).End);
        int index = Math.Max(0, change.Path.IndexAt(change.Path.Depth));
        if (index < leaf.Count && ExtentAt(leaf, index).EndFileBlock <= first)
        {
            index++;
        }
        change.FirstEntry = index;
        ulong clustersDone = 0;
        for (; index < leaf.Count && leaf.FirstFileBlock(index) < change.End; index++)
        {
            Extent extent = ExtentAt(leaf, index);
            CheckClusters(inode, in extent);
            if (inode.HasJournaledData)
            {
                BlockRun part = PartOf(in extent, first, change.End);
                int allowed = Math.Max(1, maximumForgets - change.Forgets);
                if (part.LengthBlocks > allowed)
                {
                    change.End = Math.Max(first, extent.FirstFileBlock) + (ulong)allowed;
                    part = part with { LengthBlocks = (uint)allowed };
                }
                change.Forgets += (int)part.LengthBlocks;
            }
            BlockRun run = FreedClusters(change, in extent, first, ref clustersDone);
            if (!run.IsEmpty)
            {
                allocator.PrepareFree(run);
                change.Credits += allocator.FreeCredits(run);
            }
            if (change.Credits >= maximumCredits && index + 1 < leaf.Count)
            {
                change.End = Math.Min(change.End, leaf.FirstFileBlock(index + 1));
            }
        }
        change.EndEntry = index;
        change.KeepsFirstCluster = IsMapped(inode, first & ~(ulong)_inCluster, first);
        change.KeepsLastCluster = IsMapped(inode, change.End, (change.End + _inCluster) & ~(ulong)_inCluster);
        return Reserve(change, growth: RestsOf(change, leaf, first) - (change.EndEntry - change.FirstEntry), default);
    }

    /// <summary>How many pieces of the extents of a removal stay: one more than there were only when the range lies inside
    /// one extent. Truncating and deleting therefore need no new block, however full the volume is.</summary>
    private static int RestsOf(MapChange change, ExtentNode leaf, uint first)
    {
        if (change.FirstEntry == change.EndEntry)
        {
            return 0;
        }
        int before = leaf.FirstFileBlock(change.FirstEntry) < first ? 1 : 0;
        int behind = ExtentAt(leaf, change.EndEntry - 1).EndFileBlock > change.End ? 1 : 0;
        return before + behind;
    }

    /// <inheritdoc/>
    public void Finish(MapChange change)
    {
        change.Path.Release();
        foreach (BlockRun run in change.TakeUnused())
        {
            allocator.Cancel(run);
        }
    }

    private void Begin(Inode inode, uint fileBlock, MapChange change, bool mayShrink)
    {
        change.Editor?.Finish(change);
        change.Editor = this;
        change.MayShrink = mayShrink;
        change.Path.Walk(_reader, _geometry, inode, fileBlock);
        change.End = change.Path.PlaceAt(change.Path.Depth).End;
        change.Credits = inodes.StoreCredits + change.Path.Depth;
        change.Forgets = 0;
        change.EmptiedNodes = 0;
        change.KeepsFirstCluster = false;
        change.KeepsLastCluster = false;
        for (int level = 1; mayShrink && level <= change.Path.Depth; level++)
        {
            BlockRun node = allocator.ClusterOf(change.Path.PlaceAt(level).Block);
            allocator.PrepareFree(node);
            change.Credits += allocator.FreeCredits(node);
            change.Forgets++;
        }
    }

    /// <summary>Reserves the nodes that a growth of the leaf by some entries may need.</summary>
    private Errno Reserve(MapChange change, int growth, FsBlock near)
    {
        int nodes = growth > 0 ? NewNodes(change.Path, growth) : 0;
        if (nodes < 0)
        {
            return Errno.FileTooBig;
        }
        ExtentNodePlace leaf = change.Path.PlaceAt(change.Path.Depth);
        var goal = new AllocationGoal
        {
            Owner = change.Path.Inode!.Number,
            Near = leaf.IsRoot ? near : leaf.Block,
        };
        return change.ReserveNodes(allocator, in goal, nodes);
    }

    /// <summary>How many new nodes a growth of the leaf needs at most; -1 when the tree would become too deep.</summary>
    private int NewNodes(ExtentPath path, int growth)
    {
        int nodes = 0;
        for (int level = path.Depth; level >= 0; level--)
        {
            ExtentNode node = path.NodeAt(level);
            int capacity = level == 0 ? node.Header.MaximumEntries : _nodeCapacity;
            if (node.Count + growth <= capacity)
            {
                return nodes;
            }
            nodes++;
            growth = 1;
        }
        return path.NodeAt(0).Depth == ExtentHeader.MaximumDepth ? -1 : nodes;
    }

    private static Extent ExtentAt(ExtentNode leaf, int index)
    {
        ref readonly ExtentEntry entry = ref leaf.Entry(index);
        return new Extent(entry.FirstFileBlock, entry.Start, entry.LengthBlocks, entry.IsUnwritten);
    }

    /// <summary>The device blocks of the part of an extent inside a range.</summary>
    private static BlockRun PartOf(in Extent extent, ulong first, ulong end)
    {
        ulong from = Math.Max(first, extent.FirstFileBlock);
        ulong to = Math.Min(end, extent.EndFileBlock);
        return new BlockRun(extent.Start + (from - extent.FirstFileBlock), (uint)(to - from));
    }
}

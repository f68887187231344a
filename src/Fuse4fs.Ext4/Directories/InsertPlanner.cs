using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Finds out how a name gets into a directory. Reads and validates every block that will change; needs the
/// directory's lock exclusively.</summary>
internal sealed class InsertPlanner(
    VolumeContext context, FileMap maps, DirectoryBlocks blocks, HashTree tree, DirectorySettings settings)
{
    /// <summary>A block is packed rather than split while it would be filled at most to 3 of 4 parts: else the next
    /// name would split it anyway.</summary>
    private const int PackedFillNumerator = 3;
    private const int PackedFillDenominator = 4;

    /// <summary>Plans an insertion, or the next step towards it.</summary>
    /// <param name="directory">Its own names are readable: not encrypted.</param>
    /// <param name="name">1 to 255 bytes that are not in the directory yet.</param>
    /// <param name="plan">To be disposed in any case.</param>
    /// <returns>Ok; NoSpace when the directory cannot grow any more; Corrupted when its index cannot be used.</returns>
    /// <exception cref="Ext4CorruptException">A block that would change is damaged.</exception>
    public Errno Plan(Inode directory, scoped ReadOnlySpan<byte> name, ref InsertPlan plan)
    {
        DirectoryLayout layout = settings.LayoutOf(directory);
        int needed = DirectoryRecordHeader.LengthFor(name.Length, layout.HasStoredHash);
        if (!settings.HasIndex || !directory.Has(InodeFlags.HashIndexed))
        {
            return PlanLinear(directory, layout, needed, ref plan);
        }
        return directory.HasDamagedIndex
            ? Errno.Corrupted
            : PlanIndexed(directory, layout, name, needed, ref plan);
    }

    private Errno PlanLinear(Inode directory, in DirectoryLayout layout, int needed, scoped ref InsertPlan plan)
    {
        uint count = blocks.CountOf(directory);
        bool mayHaveIndex = count == 1 && settings.HasIndex;
        for (uint at = 0; blocks.TryReadNextLeaf(directory, layout, ref at, out BlockLease lease); at++)
        {
            plan.Hold(lease);
            plan.FileBlock = at;
            if (TryFit(lease.Bytes[..layout.LeafBytes], layout, needed, mayPack: mayHaveIndex, ref plan))
            {
                return Errno.Ok;
            }
        }
        if (count == 0)
        {
            Ext4CorruptException.Throw(Corruption.DirectoryHole, $"directory {directory.Number}: it has no block");
        }
        plan.Kind = mayHaveIndex ? InsertKind.IndexMade : InsertKind.Appended;
        if (mayHaveIndex)
        {
            CheckDots(directory, layout, blocks.Read(directory, 0));
        }
        return CheckGrowth(directory, ref plan);
    }

    private Errno PlanIndexed(
        Inode directory,
        in DirectoryLayout layout,
        scoped ReadOnlySpan<byte> name,
        int needed,
        scoped ref InsertPlan plan)
    {
        tree.ReadRoot(directory, layout, out HashTreePath path);
        plan.Hasher = path.Hasher;
        plan.Hash = path.Hasher.Compute(name);
        tree.Probe(directory, layout, plan.Hash.Major, ref path);
        plan.FileBlock = path.Leaf;
        BlockLease lease = blocks.ReadLeaf(directory, path.Leaf);
        plan.Hold(lease);
        if (TryFit(lease.Bytes[..layout.LeafBytes], layout, needed, mayPack: true, ref plan))
        {
            return Errno.Ok;
        }
        plan.Kind = InsertKind.LeafSplit;
        int above = path.IndirectLevels;
        while (above >= 0 && IsFull(in path, above, layout))
        {
            above--;
        }
        if (above < 0)
        {
            if (path.IndirectLevels == settings.MaximumIndirectLevels)
            {
                context.Events.Warning($"directory {directory.Number}: its index is full");
                return Errno.NoSpace;
            }
            plan.Kind = InsertKind.RootMovedDown;
            plan.FileBlock = 0;
            plan.Hold(blocks.ReadNode(directory, 0, layout));
            return CheckGrowth(directory, ref plan);
        }
        if (above < path.IndirectLevels)
        {
            plan.Kind = InsertKind.NodeSplit;
            plan.FileBlock = path.At(above + 1).Block;
            plan.Hold(blocks.ReadNode(directory, plan.FileBlock, layout));
        }
        plan.HoldParent(blocks.ReadNode(directory, path.At(above).Block, layout));
        plan.IsParentRoot = above == 0;
        plan.ParentEntry = path.At(above).Index;
        return CheckGrowth(directory, ref plan);
    }

    private static bool TryFit(
        ReadOnlySpan<byte> area, in DirectoryLayout layout, int needed, bool mayPack, scoped ref InsertPlan plan)
    {
        plan.Kind = InsertKind.InPlace;
        if (LeafEditor.TryFindRoom(area, layout, plan.FileBlock, needed, out int offset))
        {
            plan.Offset = offset;
            return true;
        }
        plan.Kind = InsertKind.Packed;
        return mayPack && LeafEditor.PackedBytes(area, layout, plan.FileBlock) + needed
            <= area.Length * PackedFillNumerator / PackedFillDenominator;
    }

    private static bool IsFull(in HashTreePath path, int level, in DirectoryLayout layout) =>
        path.At(level).Count == HashTreeNode.Limit(level == 0, layout);

    /// <summary>An index begins behind "." and "..": they must be where it expects them.</summary>
    private static void CheckDots(Inode directory, in DirectoryLayout layout, BlockLease lease)
    {
        using (lease)
        {
            int dot = DirectoryRecordHeader.LengthFor(1, hasStoredHash: false);
            foreach (DirectoryRecord record in new DirectoryRecords(lease.Bytes[..layout.LeafBytes], layout, 0))
            {
                bool isRight = record.Offset == 0
                    ? record.Name.SequenceEqual("."u8) && record.Length == dot
                    : record.Offset != dot || record.Name.SequenceEqual(".."u8);
                if (!isRight)
                {
                    Ext4CorruptException.Throw(
                        Corruption.DirectoryName, $"directory {directory.Number}: \".\" and \"..\" are not in front");
                }
            }
        }
    }

    private Errno CheckGrowth(Inode directory, scoped ref InsertPlan plan)
    {
        uint end = blocks.CountOf(directory);
        bool isWide = context.Geometry.Incompat.HasFlag(IncompatFeatures.LargeDirectory);
        if (end >= HashTreeNode.MaximumBlock
            || (!isWide && ((ulong)end + 1) << context.Geometry.BlockSizeShift > uint.MaxValue))
        {
            return Errno.NoSpace;
        }
        if (maps.Find(directory, end).Kind != RunKind.Hole)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeSize, $"directory {directory.Number}: block {end} behind its end is in use");
        }
        plan.NewFileBlock = end;
        return Errno.Ok;
    }
}

using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;

namespace Fuse4fs.Ext4.Mapping;

/// <content>Applying prepared changes.</content>
internal sealed partial class ExtentTree
{
    /// <inheritdoc/>
    /// <remarks>Joined to a neighbour where possible; no longer than an extent may be.</remarks>
    public void Insert(Handle handle, MapChange change, in Extent extent, uint freshBlocks)
    {
        Inode inode = change.Path.Inode!;
        ExtentNode leaf = change.Path.NodeAt(change.Path.Depth);
        int at = change.FirstEntry;
        int removed = 0;
        Extent merged = extent;
        if (at > 0 && TryMerge(ExtentAt(leaf, at - 1), in merged, out Extent left))
        {
            merged = left;
            at--;
            removed++;
        }
        if (at + removed < leaf.Count && TryMerge(in merged, ExtentAt(leaf, at + removed), out Extent right))
        {
            merged = right;
            removed++;
        }
        inode.Sectors += freshBlocks * _sectorsPerBlock;
        inode.Map.Set(in extent);
        Splice(handle, change, at, removed, [merged]);
    }

    /// <summary>Changes the state of mapped blocks from the first one to the change's end.</summary>
    /// <param name="handle">Begun with the change's credits.</param>
    /// <param name="change">From <see cref="PrepareConvert"/>.</param>
    /// <param name="first">As prepared.</param>
    /// <param name="isUnwritten">The new state.</param>
    public void Convert(Handle handle, MapChange change, uint first, bool isUnwritten)
    {
        Inode inode = change.Path.Inode!;
        ExtentNode leaf = change.Path.NodeAt(change.Path.Depth);
        int at = change.FirstEntry;
        int removed = 1;
        Extent old = ExtentAt(leaf, at);
        if (old.IsUnwritten == isUnwritten)
        {
            return;
        }
        Span<Extent> pieces = stackalloc Extent[3];
        int count = 0;
        if (first > old.FirstFileBlock)
        {
            pieces[count++] = old with { LengthBlocks = first - old.FirstFileBlock };
        }
        Extent changed = Cut(in old, first, change.End) with { IsUnwritten = isUnwritten };
        inode.Map.Set(in changed);
        if (count == 0 && at > 0 && TryMerge(ExtentAt(leaf, at - 1), in changed, out Extent left))
        {
            changed = left;
            at--;
            removed++;
        }
        bool reachesEnd = change.End == old.EndFileBlock;
        if (reachesEnd && at + removed < leaf.Count
            && TryMerge(in changed, ExtentAt(leaf, at + removed), out Extent right))
        {
            changed = right;
            removed++;
        }
        pieces[count++] = changed;
        if (!reachesEnd)
        {
            pieces[count++] = Cut(in old, (uint)change.End, old.EndFileBlock);
        }
        Splice(handle, change, at, removed, pieces[..count]);
    }

    /// <inheritdoc/>
    public void Remove(Handle handle, MapChange change, uint first)
    {
        Inode inode = change.Path.Inode!;
        ExtentNode leaf = change.Path.NodeAt(change.Path.Depth);
        Span<Extent> rests = stackalloc Extent[2];
        int count = 0;
        ulong clustersDone = 0;
        for (int i = change.FirstEntry; i < change.EndEntry; i++)
        {
            Extent extent = ExtentAt(leaf, i);
            if (extent.FirstFileBlock < first)
            {
                rests[count++] = Cut(in extent, extent.FirstFileBlock, first);
            }
            if (extent.EndFileBlock > change.End)
            {
                rests[count++] = Cut(in extent, (uint)change.End, extent.EndFileBlock);
            }
            if (inode.HasJournaledData)
            {
                Forget(handle, PartOf(in extent, first, change.End));
            }
            BlockRun freed = FreedClusters(change, in extent, first, ref clustersDone);
            if (!freed.IsEmpty)
            {
                allocator.Free(handle, freed, isMetadata: false);
                ReduceSectors(inode, freed.LengthBlocks);
            }
        }
        inode.Map.Remove(first, change.End);
        Splice(handle, change, change.FirstEntry, change.EndEntry - change.FirstEntry, rests[..count]);
    }

    private static void Forget(Handle handle, BlockRun blocks)
    {
        for (uint i = 0; i < blocks.LengthBlocks; i++)
        {
            handle.Forget(blocks.Start + i);
        }
    }

    private void ReduceSectors(Inode inode, uint blocks)
    {
        // A damaged image may count too few.
        inode.Sectors -= Math.Min(inode.Sectors, blocks * _sectorsPerBlock);
    }

    private static Extent Cut(in Extent extent, uint first, ulong end) => extent with
    {
        FirstFileBlock = first,
        Start = extent.Start + (first - extent.FirstFileBlock),
        LengthBlocks = (uint)(end - first),
    };

    private static bool TryMerge(in Extent left, in Extent right, out Extent merged)
    {
        int maximum = left.IsUnwritten ? ExtentEntry.MaximumUnwrittenLength : ExtentEntry.MaximumWrittenLength;
        ulong length = (ulong)left.LengthBlocks + right.LengthBlocks;
        merged = left with { LengthBlocks = (uint)Math.Min(length, uint.MaxValue) };
        return left.IsContinuedBy(in right) && length <= (ulong)maximum;
    }
}

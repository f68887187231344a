using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Mapping;

/// <content>Clusters of several blocks: a cluster is the file's while any block of the file in it is mapped. Docs:
/// ext4/bigalloc.</content>
internal sealed partial class ExtentTree
{
    /// <summary>Clusters that lose their last mapped block with the part of an extent that is removed.</summary>
    /// <param name="change">A removal, up to its end.</param>
    /// <param name="extent">The next one of its leaf.</param>
    /// <param name="first">Where the removal begins.</param>
    /// <param name="done">The file's cluster behind the last one looked at: several extents may lie in one.</param>
    /// <returns>Whole clusters, on the device.</returns>
    private BlockRun FreedClusters(MapChange change, in Extent extent, ulong first, ref ulong done)
    {
        int shift = _geometry.ClusterShift;
        ulong from = Math.Max(first, extent.FirstFileBlock) >> shift;
        ulong end = (Math.Min(change.End, extent.EndFileBlock) + _inCluster) >> shift;
        if (from < done || (change.KeepsFirstCluster && from == first >> shift))
        {
            from++;
        }
        done = end;
        if (change.KeepsLastCluster && end > change.End >> shift)
        {
            end--;
        }
        return from >= end
            ? default
            : new BlockRun(
                new FsBlock(extent.Start.Value + (from << shift) - extent.FirstFileBlock), (uint)((end - from) << shift));
    }

    /// <summary>Whether any block of a range is mapped; the range is a part of one cluster.</summary>
    private bool IsMapped(Inode inode, ulong first, ulong end)
    {
        end = Math.Min(end, ExtentNodePlace.FileEnd);
        while (first < end)
        {
            MapRun run = _map.Find(inode, (uint)first);
            if (run.IsMapped)
            {
                return true;
            }
            first = run.End;
        }
        return false;
    }

    private void CheckClusters(Inode inode, in Extent extent)
    {
        if (((extent.Start.Value ^ extent.FirstFileBlock) & _inCluster) != 0)
        {
            Ext4CorruptException.Throw(Corruption.ExtentOrder,
                $"inode {inode.Number}: file block {extent.FirstFileBlock} at block {extent.Start}, not in its cluster");
        }
    }
}

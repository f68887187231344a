using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <content>Moving extents within the file, for collapse and insert: the blocks stay where they are, the file blocks they
/// stand for change. Leaf by leaf, in an order in which each step leaves a valid tree.</content>
internal sealed partial class ExtentTree
{
    /// <summary>Prepares to make a file block the first one of its extent.</summary>
    /// <returns>As <see cref="PrepareInsert"/>; without entries in the change there is nothing to cut.</returns>
    public Errno PrepareCut(Inode inode, uint fileBlock, MapChange change)
    {
        Begin(inode, fileBlock, change, mayShrink: false);
        int index = change.Path.IndexAt(change.Path.Depth);
        change.FirstEntry = Math.Max(0, index);
        change.EndEntry = change.FirstEntry;
        if (index < 0)
        {
            return Errno.Ok;
        }
        Extent extent = ExtentAt(change.Path.NodeAt(change.Path.Depth), index);
        if (extent.FirstFileBlock == fileBlock || extent.EndFileBlock <= fileBlock)
        {
            return Errno.Ok;
        }
        change.EndEntry = index + 1;
        return Reserve(change, growth: 1, extent.Start);
    }

    /// <summary>Cuts an extent in two.</summary>
    public void Cut(Handle handle, MapChange change, uint fileBlock)
    {
        Extent extent = ExtentAt(change.Path.NodeAt(change.Path.Depth), change.FirstEntry);
        Splice(handle, change, change.FirstEntry, 1,
            [Cut(in extent, extent.FirstFileBlock, fileBlock), Cut(in extent, fileBlock, extent.EndFileBlock)]);
    }

    /// <summary>Prepares to move the extents of the leaf that covers a file block.</summary>
    /// <param name="inode">Has an extent tree.</param>
    /// <param name="inLeaf">A file block of the leaf.</param>
    /// <param name="first">Extents that begin before this stay; none reaches over it.</param>
    /// <param name="change">Filled; without entries there is nothing to move. Its end is the leaf's.</param>
    public void PrepareShift(Inode inode, uint inLeaf, uint first, MapChange change)
    {
        Begin(inode, inLeaf, change, mayShrink: false);
        ExtentNode leaf = change.Path.NodeAt(change.Path.Depth);
        int index = 0;
        while (index < leaf.Count && leaf.FirstFileBlock(index) < first)
        {
            index++;
        }
        change.FirstEntry = index;
        change.EndEntry = leaf.Count;
    }

    /// <summary>Moves extents towards the start or the end of the file.</summary>
    /// <param name="handle">Begun with the change's credits.</param>
    /// <param name="change">From <see cref="PrepareShift"/>.</param>
    /// <param name="distance">Blocks; negative towards the start.</param>
    public void Shift(Handle handle, MapChange change, long distance)
    {
        ExtentPath path = change.Path;
        int level = path.Depth;
        path.Inode!.Map.Clear();
        path.Inode.IsDataStorePending = true;
        if (level == 0)
        {
            ShiftEntries(path.NodeAt(0), change.FirstEntry, distance);
            return;
        }
        using BlockLease lease = handle.Update(path.PlaceAt(level).Block);
        var leaf = new ExtentNode(lease.Bytes);
        ShiftEntries(leaf, change.FirstEntry, distance);
        Seal(path.Inode, leaf);
        if (change.FirstEntry == 0)
        {
            CorrectKeys(handle, path, level);
        }
    }

    private static void ShiftEntries(ExtentNode leaf, int from, long distance)
    {
        for (int i = from; i < leaf.Count; i++)
        {
            leaf.Entry(i).FirstFileBlock = (uint)(leaf.Entry(i).FirstFileBlock + distance);
        }
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <content>Whole trees at once, level by level from the leaves up.</content>
internal sealed partial class ExtentTree
{
    /// <summary>Nodes that a tree of so many extents has beside its root.</summary>
    public int NodesFor(int extents)
    {
        int nodes = 0;
        for (int count = extents; count > ExtentHeader.EntriesThatFit(BlockArea.SizeBytes);)
        {
            count = (count + _nodeCapacity - 1) / _nodeCapacity;
            nodes += count;
        }
        return nodes;
    }

    /// <summary>Gives an inode a new tree in place of whatever map it has.</summary>
    /// <param name="handle">Has a credit for each node.</param>
    /// <param name="inode">Stored by the caller.</param>
    /// <param name="extents">In order.</param>
    /// <param name="nodes">Allocated, as many as <see cref="NodesFor"/> says.</param>
    public void Build(Handle handle, Inode inode, List<Extent> extents, Queue<FsBlock> nodes)
    {
        byte[] entries = new byte[extents.Count * EntryBytes];
        Encode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(extents), entries);
        int depth = 0;
        for (; entries.Length / EntryBytes > ExtentHeader.EntriesThatFit(BlockArea.SizeBytes); depth++)
        {
            entries = BuildLevel(handle, inode, entries, depth, nodes);
        }
        Initialize(inode);
        var root = new ExtentNode(inode.BlockAreaBytes);
        root.Header.Depth = (ushort)depth;
        ReplaceEntries(root, 0, 0, entries);
        inode.Map.Clear();
        inode.IsDataStorePending = true;
    }

    private byte[] BuildLevel(Handle handle, Inode inode, byte[] entries, int depth, Queue<FsBlock> nodes)
    {
        int nodeBytes = _nodeCapacity * EntryBytes;
        byte[] above = new byte[(entries.Length + nodeBytes - 1) / nodeBytes * EntryBytes];
        for (int at = 0, index = 0; at < entries.Length; at += nodeBytes, index++)
        {
            using BlockLease lease = handle.Create(nodes.Dequeue());
            var node = new ExtentNode(lease.Bytes);
            node.Header.Magic = ExtentHeader.ExpectedMagic;
            node.Header.Depth = (ushort)depth;
            ReplaceEntries(node, 0, 0, entries.AsSpan(at, Math.Min(nodeBytes, entries.Length - at)));
            Seal(inode, node);
            Disk.At<ExtentIndex>(above.AsSpan(), index * EntryBytes) = new ExtentIndex
            {
                FirstFileBlock = node.FirstFileBlock(0),
                Node = lease.Block,
            };
        }
        return above;
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Reads extent trees: from the root down to one leaf, no recursion, every step one level deeper.</summary>
internal sealed class ExtentReader(VolumeContext context)
{
    /// <summary>Everything the leaf that covers a file block says.</summary>
    /// <exception cref="Ext4CorruptException">A node on the way is damaged.</exception>
    public MapWindow LoadLeaf(Inode inode, uint fileBlock)
    {
        var root = new ExtentNode(inode.BlockAreaBytes);
        ExtentNodePlace place = ExtentNodePlace.Root(inode.Number);
        root.Validate(in place, context.Geometry);
        if (root.Depth == 0)
        {
            return Collect(root, 0, place.End, fileBlock);
        }
        int index = root.Find(fileBlock);
        if (index < 0)
        {
            return MapWindow.Begin(0, root.FirstFileBlock(0));
        }
        place = place.Child(root, index);
        while (true)
        {
            using BlockLease lease = Open(inode, in place);
            var node = new ExtentNode(lease.Bytes);
            if (place.Depth == 0)
            {
                return Collect(node, place.First, place.End, fileBlock);
            }
            // The first entry begins where the node does, so there always is one.
            place = place.Child(node, node.Find(fileBlock));
        }
    }

    /// <summary>Reads and checks a node's block.</summary>
    /// <returns>The lease; its bytes are a valid node.</returns>
    public BlockLease Open(Inode inode, in ExtentNodePlace place)
    {
        BlockLease lease = context.Cache.Read(place.Block);
        try
        {
            var node = new ExtentNode(lease.Bytes);
            node.Validate(in place, context.Geometry);
            if (!lease.IsVerified)
            {
                VerifyChecksum(inode, node, in place);
                lease.MarkVerified();
            }
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private void VerifyChecksum(Inode inode, ExtentNode node, in ExtentNodePlace place)
    {
        if (!context.Checksums.IsEnabled)
        {
            return;
        }
        int tail = ExtentHeader.SizeBytes + (node.Header.MaximumEntries * ExtentEntry.SizeBytes);
        uint found = Disk.At<Le32>(node.Bytes, tail);
        uint expected = Checksums.OfInodeBlock(inode.ChecksumSeed, node.Bytes[..tail]);
        if (found != expected)
        {
            Ext4CorruptException.Throw(
                Corruption.ExtentChecksum, $"{place.Describe()}: expected {expected:x8}, found {found:x8}",
                place.Inode, place.Block);
        }
    }

    private static MapWindow Collect(ExtentNode leaf, uint first, ulong end, uint wanted)
    {
        MapWindow window = MapWindow.Begin(first, end);
        int count = leaf.Count;
        for (int i = 0; i < count; i++)
        {
            ref readonly ExtentEntry entry = ref leaf.Entry(i);
            var extent = new Extent(entry.FirstFileBlock, entry.Start, entry.LengthBlocks, entry.IsUnwritten);
            if (!window.Append(in extent, wanted))
            {
                break;
            }
        }
        return window;
    }
}

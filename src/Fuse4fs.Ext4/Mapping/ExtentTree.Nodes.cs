using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Mapping;

/// <content>Changing nodes inside a handle.</content>
internal sealed partial class ExtentTree
{
    private const int EntryBytes = ExtentHeader.SizeBytes;

    /// <summary>Entries of a leaf that is being split, in their new order.</summary>
    [ThreadStatic]
    private static byte[]? t_entries;

    /// <summary>Replaces entries of the path's leaf, and lets the tree follow.</summary>
    private void Splice(Handle handle, MapChange change, int at, int removed, ReadOnlySpan<Extent> inserted)
    {
        ExtentPath path = change.Path;
        path.Inode!.IsDataStorePending = true;
        Span<byte> fresh = stackalloc byte[inserted.Length * EntryBytes];
        Encode(inserted, fresh);
        int level = path.Depth;
        if (level == 0)
        {
            SpliceRoot(handle, change, at, removed, fresh);
            return;
        }
        using (BlockLease lease = handle.Update(path.PlaceAt(level).Block))
        {
            var leaf = new ExtentNode(lease.Bytes);
            int count = leaf.Count - removed + inserted.Length;
            if (count > _nodeCapacity)
            {
                SplitLeaf(handle, change, leaf, at, removed, fresh);
                return;
            }
            ReplaceEntries(leaf, at, removed, fresh);
            if (count > 0)
            {
                Seal(path.Inode!, leaf);
                if (at == 0)
                {
                    CorrectKeys(handle, path, level);
                }
            }
        }
        if (path.NodeAt(level).Count == 0)
        {
            RemoveNode(handle, path, level);
        }
        else if (change.MayShrink)
        {
            PullUp(handle, path);
        }
    }

    private void SpliceRoot(Handle handle, MapChange change, int at, int removed, ReadOnlySpan<byte> fresh)
    {
        Inode inode = change.Path.Inode!;
        ExtentNode root = change.Path.NodeAt(0);
        if (root.Count - removed + (fresh.Length / EntryBytes) <= root.Header.MaximumEntries)
        {
            ReplaceEntries(root, at, removed, fresh);
            return;
        }
        using BlockLease lease = GrowRoot(handle, change, out ExtentNode below);
        ReplaceEntries(below, at, removed, fresh);
        Seal(inode, below);
        root.Index(0).FirstFileBlock = below.FirstFileBlock(0);
    }

    /// <summary>Moves the root's entries into a new block below it.</summary>
    private BlockLease GrowRoot(Handle handle, MapChange change, out ExtentNode below)
    {
        ExtentNode root = change.Path.NodeAt(0);
        BlockLease lease = CreateNode(handle, change, root.Depth);
        below = new ExtentNode(lease.Bytes);
        ReplaceEntries(below, 0, 0, EntriesOf(root, 0, root.Count));
        uint first = root.FirstFileBlock(0);
        root.Header.Depth = (ushort)(root.Depth + 1);
        root.Header.EntryCount = 1;
        root.Header.MaximumEntries = (ushort)ExtentHeader.EntriesThatFit(BlockArea.SizeBytes);
        root.Index(0) = new ExtentIndex { FirstFileBlock = first, Node = lease.Block };
        return lease;
    }

    private void SplitLeaf(
        Handle handle, MapChange change, ExtentNode leaf, int at, int removed, ReadOnlySpan<byte> fresh)
    {
        Inode inode = change.Path.Inode!;
        int count = leaf.Count - removed + (fresh.Length / EntryBytes);
        Span<byte> all = (t_entries ??= new byte[(1 << 16) + (4 * EntryBytes)]).AsSpan(0, count * EntryBytes);
        EntriesOf(leaf, 0, at).CopyTo(all);
        fresh.CopyTo(all[(at * EntryBytes)..]);
        EntriesOf(leaf, at + removed, leaf.Count).CopyTo(all[((at * EntryBytes) + fresh.Length)..]);
        // Behind the end of a growing file the left leaf stays full; elsewhere both get half.
        int stays = at + removed == leaf.Count ? Math.Min(count - 1, _nodeCapacity) : count / 2;
        using BlockLease lease = CreateNode(handle, change, depth: 0);
        var right = new ExtentNode(lease.Bytes);
        ReplaceEntries(leaf, 0, leaf.Count, all[..(stays * EntryBytes)]);
        ReplaceEntries(right, 0, 0, all[(stays * EntryBytes)..]);
        Seal(inode, leaf);
        Seal(inode, right);
        if (at == 0)
        {
            CorrectKeys(handle, change.Path, change.Path.Depth);
        }
        PushIndex(handle, change, right.FirstFileBlock(0), lease.Block);
    }

    /// <summary>Enters a new node beside the path's leaf into the level above, splitting upwards as far as needed.
    /// </summary>
    private void PushIndex(Handle handle, MapChange change, uint key, FsBlock node)
    {
        ExtentPath path = change.Path;
        var index = new ExtentIndex { FirstFileBlock = key, Node = node };
        for (int level = path.Depth - 1; level > 0; level--)
        {
            using BlockLease lease = handle.Update(path.PlaceAt(level).Block);
            var parent = new ExtentNode(lease.Bytes);
            int at = path.IndexAt(level) + 1;
            if (parent.Count < _nodeCapacity)
            {
                InsertIndex(parent, at, index);
                Seal(path.Inode!, parent);
                return;
            }
            index = SplitIndex(handle, change, parent, at, index);
        }
        ExtentNode root = path.NodeAt(0);
        int place = path.IndexAt(0) + 1;
        if (root.Count < root.Header.MaximumEntries)
        {
            InsertIndex(root, place, index);
            return;
        }
        using BlockLease below = GrowRoot(handle, change, out ExtentNode grown);
        InsertIndex(grown, place, index);
        Seal(path.Inode!, grown);
    }

    /// <summary>Splits a full inner node around a new entry.</summary>
    /// <returns>The entry for the new node.</returns>
    private ExtentIndex SplitIndex(Handle handle, MapChange change, ExtentNode node, int at, ExtentIndex index)
    {
        Inode inode = change.Path.Inode!;
        using BlockLease lease = CreateNode(handle, change, node.Depth);
        var right = new ExtentNode(lease.Bytes);
        int stays = at == node.Count ? at : node.Count / 2;
        ReplaceEntries(right, 0, 0, EntriesOf(node, stays, node.Count));
        node.Header.EntryCount = (ushort)stays;
        if (at > stays || right.Count == 0)
        {
            InsertIndex(right, at - stays, index);
        }
        else
        {
            InsertIndex(node, at, index);
        }
        Seal(inode, node);
        Seal(inode, right);
        return new ExtentIndex { FirstFileBlock = right.FirstFileBlock(0), Node = lease.Block };
    }

    /// <summary>Frees an empty node, and the nodes above that become empty by it.</summary>
    private void RemoveNode(Handle handle, ExtentPath path, int level)
    {
        for (; level > 0; level--)
        {
            FreeNode(handle, path.Inode!, path.PlaceAt(level).Block);
            int at = path.IndexAt(level - 1);
            if (level == 1)
            {
                ExtentNode root = path.NodeAt(0);
                ReplaceEntries(root, at, 1, []);
                if (root.Count == 0)
                {
                    root.Header.Depth = 0;
                }
                return;
            }
            using BlockLease lease = handle.Update(path.PlaceAt(level - 1).Block);
            var parent = new ExtentNode(lease.Bytes);
            ReplaceEntries(parent, at, 1, []);
            if (parent.Count > 0)
            {
                Seal(path.Inode!, parent);
                if (at == 0)
                {
                    CorrectKeys(handle, path, level - 1);
                }
                return;
            }
        }
    }

    /// <summary>Takes the only leaf's entries into the root when they fit. Kernel: ext4_ext_try_to_merge_up.</summary>
    private void PullUp(Handle handle, ExtentPath path)
    {
        ExtentNode root = path.NodeAt(0);
        if (path.Depth != 1 || root.Depth != 1 || root.Count != 1)
        {
            return;
        }
        ExtentNode leaf = path.NodeAt(1);
        if (leaf.Count > ExtentHeader.EntriesThatFit(BlockArea.SizeBytes))
        {
            return;
        }
        FsBlock block = root.Index(0).Node;
        root.Header.MaximumEntries = (ushort)ExtentHeader.EntriesThatFit(BlockArea.SizeBytes);
        root.Header.Depth = 0;
        ReplaceEntries(root, 0, 1, EntriesOf(leaf, 0, leaf.Count));
        FreeNode(handle, path.Inode!, block);
    }

    /// <summary>A node's first entry changed: the keys above follow.</summary>
    private void CorrectKeys(Handle handle, ExtentPath path, int level)
    {
        uint key = path.NodeAt(level).FirstFileBlock(0);
        for (; level > 0; level--)
        {
            int at = path.IndexAt(level - 1);
            if (level == 1)
            {
                path.NodeAt(0).Index(at).FirstFileBlock = key;
                return;
            }
            using BlockLease lease = handle.Update(path.PlaceAt(level - 1).Block);
            var parent = new ExtentNode(lease.Bytes);
            parent.Index(at).FirstFileBlock = key;
            Seal(path.Inode!, parent);
            if (at > 0)
            {
                return;
            }
        }
    }

    private BlockLease CreateNode(Handle handle, MapChange change, int depth)
    {
        BlockRun run = change.TakeNode();
        allocator.Commit(handle, run);
        change.Path.Inode!.Sectors += _sectorsPerBlock * _geometry.BlocksPerCluster;
        BlockLease lease = handle.Create(run.Start);
        var node = new ExtentNode(lease.Bytes);
        node.Header.Magic = ExtentHeader.ExpectedMagic;
        node.Header.MaximumEntries = (ushort)_nodeCapacity;
        node.Header.Depth = (ushort)depth;
        return lease;
    }

    private void FreeNode(Handle handle, Inode inode, FsBlock block)
    {
        handle.Forget(block);
        allocator.Free(handle, allocator.ClusterOf(block), isMetadata: false);
        ReduceSectors(inode, _geometry.BlocksPerCluster);
    }

    private void Seal(Inode inode, ExtentNode node)
    {
        // Nodes written by others may declare less room than there is; the checksum stands behind the room.
        node.Header.MaximumEntries = (ushort)_nodeCapacity;
        if (context.Checksums.IsEnabled)
        {
            int tail = ExtentHeader.SizeBytes + (_nodeCapacity * EntryBytes);
            Disk.At<Le32>(node.Bytes, tail) = Checksums.OfInodeBlock(inode.ChecksumSeed, node.Bytes[..tail]);
        }
    }

    private static void InsertIndex(ExtentNode node, int at, ExtentIndex index)
    {
        Span<byte> bytes = stackalloc byte[EntryBytes];
        Disk.At<ExtentIndex>(bytes, 0) = index;
        ReplaceEntries(node, at, 0, bytes);
    }

    private static void ReplaceEntries(ExtentNode node, int at, int removed, ReadOnlySpan<byte> fresh)
    {
        int count = node.Count;
        int inserted = fresh.Length / EntryBytes;
        Span<byte> entries = node.Bytes[EntryBytes..];
        entries[((at + removed) * EntryBytes)..(count * EntryBytes)].CopyTo(entries[((at + inserted) * EntryBytes)..]);
        fresh.CopyTo(entries[(at * EntryBytes)..]);
        node.Header.EntryCount = (ushort)(count - removed + inserted);
    }

    private static ReadOnlySpan<byte> EntriesOf(ExtentNode node, int from, int end) =>
        node.Bytes[((from + 1) * EntryBytes)..((end + 1) * EntryBytes)];

    private static void Encode(ReadOnlySpan<Extent> extents, Span<byte> bytes)
    {
        for (int i = 0; i < extents.Length; i++)
        {
            ref ExtentEntry entry = ref Disk.At<ExtentEntry>(bytes, i * EntryBytes);
            entry.FirstFileBlock = extents[i].FirstFileBlock;
            entry.Start = extents[i].Start;
            entry.SetLength(extents[i].LengthBlocks, extents[i].IsUnwritten);
        }
    }
}

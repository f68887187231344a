using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The inodes a replay touches: loaded once, written back at the end.</summary>
internal sealed class ReplayInodes(
    ReplayBlocks blocks, ReplayBitmaps bitmaps, Geometry geometry, Checksums checksums)
{
    /// <summary>About what an inode takes in memory beside its record, and an extent.</summary>
    private const int InodeBytes = 512;
    private const int ExtentBytes = 96;

    private readonly Dictionary<InodeNumber, ReplayInode> _inodes = [];

    /// <summary>All that were touched.</summary>
    public IEnumerable<ReplayInode> All => _inodes.Values;

    /// <summary>The inode of a number, in use or not.</summary>
    /// <exception cref="Ext4CorruptException">The number is impossible, or the inode or its map is damaged.</exception>
    public ReplayInode Get(InodeNumber number)
    {
        if (_inodes.TryGetValue(number, out ReplayInode? known))
        {
            return known;
        }
        if (number.Value > geometry.InodeCount || (number < geometry.FirstInode && number != InodeNumber.Root))
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, $"fast commit: inode number {number}");
        }
        uint index = geometry.IndexInGroup(number);
        FsBlock block = bitmaps.InodeTable(geometry.GroupOf(number)) + (index / (uint)geometry.InodesPerBlock);
        int offset = (int)(index % (uint)geometry.InodesPerBlock) * geometry.InodeSizeBytes;
        blocks.Account(InodeBytes + geometry.InodeSizeBytes);
        byte[] record = blocks.Read(block).AsSpan(offset, geometry.InodeSizeBytes).ToArray();
        var inode = new ReplayInode(number, block, offset, record);
        _inodes.Add(number, inode);
        if (bitmaps.IsInodeUsed(number) && inode.Fields.Mode != 0)
        {
            CheckChecksum(inode);
            inode.WasInUse = true;
            inode.IsInUse = true;
            inode.WasOrphan = inode.Fields.LinkCount == 0;
            LoadMap(inode);
        }
        return inode;
    }

    /// <summary>Writes an inode's record back.</summary>
    public void Store(ReplayInode inode)
    {
        if (checksums.IsEnabled)
        {
            Checksums.StoreInInode(Seed(inode), inode.Record);
        }
        inode.Record.CopyTo(blocks.Change(inode.TableBlock).AsSpan(inode.OffsetBytes));
    }

    /// <summary>Start of the checksum chain of an inode's blocks.</summary>
    public uint Seed(ReplayInode inode) => checksums.InodeSeed(inode.Number, inode.Fields.Generation);

    private void CheckChecksum(ReplayInode inode)
    {
        if (checksums.IsEnabled
            && Checksums.OfInode(Seed(inode), inode.Record) != Checksums.StoredInInode(inode.Record))
        {
            Ext4CorruptException.Throw(Corruption.InodeChecksum, $"inode {inode.Number}");
        }
    }

    /// <summary>Walks the extent tree: without recursion, each level one less deep than the one above.</summary>
    private void LoadMap(ReplayInode inode)
    {
        if (!inode.HasExtents)
        {
            return;
        }
        var places = new Stack<ExtentNodePlace>();
        places.Push(ExtentNodePlace.Root(inode.Number));
        while (places.TryPop(out ExtentNodePlace place))
        {
            Span<byte> bytes = place.IsRoot ? (Span<byte>)inode.Fields.BlockArea : blocks.Read(place.Block);
            var node = new ExtentNode(bytes);
            node.Validate(in place, geometry);
            if (!place.IsRoot)
            {
                CheckNode(inode, node);
                inode.OldNodes.Add(place.Block);
                inode.OldBlocks.Add((place.Block, 1));
            }
            blocks.Account((long)node.Count * ExtentBytes);
            for (int i = 0; node.Depth == 0 && i < node.Count; i++)
            {
                ref ExtentEntry entry = ref node.Entry(i);
                inode.Map.Put(
                    new Extent(entry.FirstFileBlock, entry.Start, entry.LengthBlocks, entry.IsUnwritten));
                inode.OldBlocks.Add((entry.Start, entry.LengthBlocks));
            }
            for (int i = node.Count - 1; node.Depth > 0 && i >= 0; i--)
            {
                places.Push(place.Child(node, i));
            }
        }
    }

    private void CheckNode(ReplayInode inode, ExtentNode node)
    {
        int tail = ExtentHeader.SizeBytes + (node.Header.MaximumEntries * ExtentEntry.SizeBytes);
        if (checksums.IsEnabled
            && Disk.At<Le32>(node.Bytes, tail) != Checksums.OfInodeBlock(Seed(inode), node.Bytes[..tail]))
        {
            Ext4CorruptException.Throw(Corruption.ExtentChecksum, $"extent block of inode {inode.Number}");
        }
    }
}

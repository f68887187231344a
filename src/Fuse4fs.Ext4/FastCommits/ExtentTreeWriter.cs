using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Writes a map as an extent tree from scratch, level by level from the leaves up.</summary>
internal sealed class ExtentTreeWriter(ReplayBlocks blocks, ReplayInodes inodes, Geometry geometry)
{
    private const int TailBytes = 4;

    /// <summary>Writes the tree of an inode; the root goes into the record.</summary>
    /// <param name="inode">With its map.</param>
    /// <param name="allocate">Gives a block for a node.</param>
    /// <returns>Blocks used for nodes.</returns>
    /// <remarks>Docs: ext4/ifork, "Extent Tree".</remarks>
    public uint Write(ReplayInode inode, Func<FsBlock> allocate)
    {
        List<Extent> extents = inode.Map.Joined();
        var entries = new List<byte[]>(extents.Count);
        foreach (Extent extent in extents)
        {
            byte[] raw = new byte[ExtentEntry.SizeBytes];
            ref ExtentEntry entry = ref Disk.At<ExtentEntry>(raw.AsSpan(), 0);
            entry.FirstFileBlock = extent.FirstFileBlock;
            entry.Start = extent.Start;
            entry.SetLength(extent.LengthBlocks, extent.IsUnwritten);
            entries.Add(raw);
        }
        int rootFits = ExtentHeader.EntriesThatFit(BlockArea.SizeBytes);
        int nodeFits = ExtentHeader.EntriesThatFit(geometry.BlockSizeBytes - TailBytes);
        ushort depth = 0;
        uint nodes = 0;
        while (entries.Count > rootFits)
        {
            entries = WriteLevel(inode, entries, depth++, nodeFits, allocate);
            nodes += (uint)entries.Count;
        }
        Span<byte> root = inode.Fields.BlockArea;
        root.Clear();
        Fill(root, entries, depth, rootFits);
        return nodes;
    }

    private List<byte[]> WriteLevel(
        ReplayInode inode, List<byte[]> entries, ushort depth, int fits, Func<FsBlock> allocate)
    {
        var parents = new List<byte[]>();
        foreach (byte[][] part in entries.Chunk(fits))
        {
            FsBlock block = allocate();
            Span<byte> node = blocks.Create(block);
            Fill(node, part, depth, ExtentHeader.EntriesThatFit(geometry.BlockSizeBytes));
            if (geometry.HasMetadataChecksums)
            {
                int tail = ExtentHeader.SizeBytes
                    + (ExtentHeader.EntriesThatFit(geometry.BlockSizeBytes) * ExtentEntry.SizeBytes);
                Disk.At<Le32>(node, tail) = Checksums.OfInodeBlock(inodes.Seed(inode), node[..tail]);
            }
            byte[] raw = new byte[ExtentEntry.SizeBytes];
            ref ExtentIndex index = ref Disk.At<ExtentIndex>(raw.AsSpan(), 0);
            index.FirstFileBlock = Disk.At<Le32>(part[0].AsSpan(), 0);
            index.Node = block;
            parents.Add(raw);
        }
        return parents;
    }

    private static void Fill(Span<byte> node, IReadOnlyCollection<byte[]> entries, ushort depth, int fits)
    {
        ref ExtentHeader header = ref Disk.At<ExtentHeader>(node, 0);
        header.Magic = ExtentHeader.ExpectedMagic;
        header.EntryCount = (ushort)entries.Count;
        header.MaximumEntries = (ushort)fits;
        header.Depth = depth;
        int at = ExtentHeader.SizeBytes;
        foreach (byte[] entry in entries)
        {
            entry.CopyTo(node[at..]);
            at += ExtentEntry.SizeBytes;
        }
    }
}

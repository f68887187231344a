using System.Buffers.Binary;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Writes a directory anew: one block when that is enough, else with an index, else block after
/// block.</summary>
/// <remarks>Docs: ext4/directory.</remarks>
internal sealed class DirectoryWriter(
    ReplayBlocks blocks, ReplayBitmaps bitmaps, ReplayInodes inodes, Geometry geometry, DirectoryFormat format)
{
    private const int DotBytes = 12;
    private static readonly byte[] s_dot = "."u8.ToArray();
    private static readonly byte[] s_dotDot = ".."u8.ToArray();

    /// <summary>Writes all blocks of the directory; its map, size and flags change accordingly.</summary>
    public void Rewrite(ReplayInode inode, ReplayDirectory directory)
    {
        int dots = 2 * DotBytes;
        int all = dots + directory.Entries.Sum(static entry => LengthOf(entry));
        if (all <= format.LeafBytes || !format.HasIndex)
        {
            WriteLinear(inode, directory);
        }
        else
        {
            WriteIndexed(inode, directory);
        }
    }

    /// <summary>Renews the checksum of a block of records.</summary>
    public void SealLeaf(ReplayInode inode, uint fileBlock)
    {
        if (!format.HasChecksums)
        {
            return;
        }
        Span<byte> block = blocks.Change(inode.BlockAt(fileBlock));
        Span<byte> tail = block[format.LeafBytes..];
        tail.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(tail[4..], DirectoryLayout.LeafTailBytes);
        tail[7] = (byte)DirectoryFileType.ChecksumTail;
        BinaryPrimitives.WriteUInt32LittleEndian(
            tail[8..], Checksums.OfInodeBlock(inodes.Seed(inode), block[..format.LeafBytes]));
    }

    private static int LengthOf(DirectoryEntryRecord entry) =>
        DirectoryRecordHeader.LengthFor(entry.Name.Length, hasStoredHash: false);

    private DirectoryEntryRecord Dot(ReplayInode inode) => new(s_dot, inode.Number, TypeOfDots);

    private DirectoryEntryRecord DotDot(ReplayDirectory directory) => new(s_dotDot, directory.Parent, TypeOfDots);

    private DirectoryFileType TypeOfDots =>
        format.HasFileTypes ? DirectoryFileType.Directory : DirectoryFileType.Unknown;

    private void WriteLinear(ReplayInode inode, ReplayDirectory directory)
    {
        List<DirectoryEntryRecord> all = [Dot(inode), DotDot(directory), .. directory.Entries];
        List<List<DirectoryEntryRecord>> leaves = Pack(all);
        Resize(inode, leaves.Count);
        inode.Flags &= ~InodeFlags.HashIndexed;
        for (int i = 0; i < leaves.Count; i++)
        {
            WriteLeaf(inode, (uint)i, leaves[i]);
        }
    }

    private void WriteIndexed(ReplayInode inode, ReplayDirectory directory)
    {
        NameHasher hasher = format.Hasher(inode, format.DefaultHash);
        var hashed = directory.Entries.Select(entry => (Hash: hasher.Compute(entry.Name), Entry: entry))
            .OrderBy(static pair => pair.Hash.Major).ThenBy(static pair => pair.Hash.Minor).ToList();
        List<List<DirectoryEntryRecord>> leaves = Pack([.. hashed.Select(static pair => pair.Entry)]);
        var level = new List<(uint Hash, uint Block)>();
        int index = 0;
        for (int i = 0; i < leaves.Count; i++)
        {
            uint hash = hashed[index].Hash.Major;
            bool continues = index > 0 && hashed[index - 1].Hash.Major == hash;
            level.Add((continues ? hash | 1 : hash, (uint)i + 1));
            index += leaves[i].Count;
        }
        DirectoryLayout layout = format.Layout(inode);
        int rootFits = HashTreeNode.Limit(isRoot: true, layout);
        int nodeFits = HashTreeNode.Limit(isRoot: false, layout);
        var nodes = new List<(uint Block, (uint Hash, uint Block)[] Entries)>();
        int levels = 0;
        uint next = (uint)leaves.Count + 1;
        for (; level.Count > rootFits; levels++)
        {
            var above = new List<(uint Hash, uint Block)>();
            foreach ((uint Hash, uint Block)[] part in level.Chunk(nodeFits))
            {
                above.Add((part[0].Hash, next));
                nodes.Add((next++, part));
            }
            level = above;
        }
        if (levels > format.MaximumIndirectLevels)
        {
            Ext4CorruptException.Throw(Corruption.FastCommit, $"fast commit: directory {inode.Number} is full");
        }
        Resize(inode, (int)next);
        inode.Flags |= InodeFlags.HashIndexed;
        WriteRoot(inode, directory, (byte)levels, level);
        nodes.ForEach(node => WriteNode(inode, node.Block, node.Entries));
        for (int i = 0; i < leaves.Count; i++)
        {
            WriteLeaf(inode, (uint)i + 1, leaves[i]);
        }
    }

    private List<List<DirectoryEntryRecord>> Pack(List<DirectoryEntryRecord> entries)
    {
        var leaves = new List<List<DirectoryEntryRecord>>();
        int room = 0;
        foreach (DirectoryEntryRecord entry in entries)
        {
            int length = LengthOf(entry);
            if (length > room)
            {
                leaves.Add([]);
                room = format.LeafBytes;
            }
            leaves[^1].Add(entry);
            room -= length;
        }
        return leaves;
    }

    /// <summary>Gives the directory exactly so many blocks, without holes.</summary>
    private void Resize(ReplayInode inode, int count)
    {
        var have = new List<FsBlock>();
        foreach (Extent extent in inode.Map.Extents)
        {
            for (uint i = 0; i < extent.LengthBlocks; i++)
            {
                have.Add(extent.Start + i);
            }
        }
        for (int i = count; i < have.Count; i++)
        {
            bitmaps.Free(have[i], 1);
            blocks.Drop(have[i]);
        }
        while (have.Count < count)
        {
            have.Add(bitmaps.Allocate(geometry.GroupOf(inode.Number)));
        }
        inode.Map.Clear();
        for (int i = 0; i < count; i++)
        {
            inode.Map.Put(new Extent((uint)i, have[i], 1, IsUnwritten: false));
        }
        inode.SizeBytes = (ulong)count << geometry.BlockSizeShift;
    }

    private void WriteLeaf(ReplayInode inode, uint fileBlock, List<DirectoryEntryRecord> entries)
    {
        byte[] block = blocks.Create(inode.BlockAt(fileBlock));
        DirectoryArea.Fill(block.AsSpan(0, format.LeafBytes), entries);
        SealLeaf(inode, fileBlock);
    }

    private void WriteRoot(
        ReplayInode inode, ReplayDirectory directory, byte levels, List<(uint Hash, uint Block)> entries)
    {
        byte[] block = blocks.Create(inode.BlockAt(0));
        DirectoryArea.Write(block, 0, DotBytes, Dot(inode));
        DirectoryArea.Write(block, DotBytes, block.Length - DotBytes, DotDot(directory));
        ref HashTreeRoot root = ref Disk.At<HashTreeRoot>(block.AsSpan(), HashTreeRoot.InfoOffset);
        root.HashVersion = format.DefaultHash;
        root.InfoLength = HashTreeRoot.InfoBytes;
        root.IndirectLevels = levels;
        FillNode(inode, block, isRoot: true, entries);
    }

    private void WriteNode(ReplayInode inode, uint fileBlock, (uint Hash, uint Block)[] entries)
    {
        byte[] block = blocks.Create(inode.BlockAt(fileBlock));
        Disk.At<DirectoryRecordHeader>(block.AsSpan(), 0).RawLength = DirectoryRecordHeader.EncodeLength(block.Length);
        FillNode(inode, block, isRoot: false, entries);
    }

    private void FillNode(
        ReplayInode inode, Span<byte> block, bool isRoot, IReadOnlyList<(uint Hash, uint Block)> entries)
    {
        DirectoryLayout layout = format.Layout(inode);
        int start = isRoot ? HashTreeNode.RootEntriesOffset : HashTreeNode.InnerEntriesOffset;
        int limit = HashTreeNode.Limit(isRoot, layout);
        for (int i = 0; i < entries.Count; i++)
        {
            Span<byte> entry = block[(start + (i * HashTreeNode.EntryBytes))..];
            BinaryPrimitives.WriteUInt32LittleEndian(entry, entries[i].Hash);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], entries[i].Block);
        }
        BinaryPrimitives.WriteUInt16LittleEndian(block[start..], (ushort)limit);
        BinaryPrimitives.WriteUInt16LittleEndian(block[(start + 2)..], (ushort)entries.Count);
        if (format.HasChecksums)
        {
            Span<byte> tail = block.Slice(start + (limit * HashTreeNode.EntryBytes), HashTreeNode.TailBytes);
            int used = start + (entries.Count * HashTreeNode.EntryBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(
                tail[4..], Checksums.OfHashTreeNode(inodes.Seed(inode), block[..used], tail));
        }
    }
}

using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Mapping;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The second half of a replay: makes the volume's structures agree with the inodes, maps and directories that
/// the records left in memory.</summary>
internal sealed class FastCommitOutcome(
    Geometry geometry, ReplayBlocks blocks, ReplayBitmaps bitmaps, ReplayInodes inodes, DirectoryFormat format,
    DateTimeOffset now)
{
    private const int MostLinks = 65000;
    private const int SectorShift = 9;
    private const int XattrReferenceOffset = 4;
    private const int XattrChecksumOffset = 0x10;
    private const uint XattrMagic = 0xEA020000;

    private readonly DirectoryWriter _directories = new(blocks, bitmaps, inodes, geometry, format);
    private readonly ExtentTreeWriter _trees = new(blocks, inodes, geometry);

    /// <summary>Brings everything into the blocks.</summary>
    public void Settle()
    {
        ReplayInode[] changed = [.. inodes.All.Where(inode => inode.IsInUse && inode.IsChanged)];
        foreach (ReplayInode inode in changed)
        {
            MarkInode(inode);
        }
        SettleBlocks(changed);
        foreach (ReplayInode inode in changed)
        {
            if (inode.IsInUse)
            {
                SettleDirectory(inode);
            }
            SettleMap(inode);
            inodes.Store(inode);
        }
        StoreSums();
        bitmaps.Seal();
    }

    /// <summary>Decides whether an inode lives on, and enters that into the bitmap.</summary>
    private void MarkInode(ReplayInode inode)
    {
        bool isUnlinked = inode.Fields.LinkCount == 0 && !inode.WasOrphan;
        bool isNameless = inode.IsNew && !inode.IsNamed;
        bool isDirectory = inode.IsDirectory;
        if (!isUnlinked && !isNameless)
        {
            bitmaps.UseInode(inode.Number, isDirectory);
            return;
        }
        ReleaseXattrBlock(inode.XattrBlock);
        inode.XattrBlock = default;
        inode.Directory = null;
        inode.Map.Clear();
        inode.IsMapChanged = true;
        inode.IsInUse = false;
        inode.SizeBytes = 0;
        inode.Fields.LinkCount = 0;
        inode.Fields.DeletionTime = (uint)(now.ToUnixTimeSeconds() & uint.MaxValue);
        bitmaps.FreeInode(inode.Number, isDirectory);
    }

    /// <summary>First everything that changed inodes had is free, then everything they have is used: blocks may have
    /// moved from one to another.</summary>
    private void SettleBlocks(ReplayInode[] changed)
    {
        foreach (ReplayInode inode in changed)
        {
            inode.IsMapChanged |= inode.Directory is { NeedsRewrite: true };
            for (int i = 0; inode.IsMapChanged && i < inode.OldBlocks.Count; i++)
            {
                bitmaps.Free(inode.OldBlocks[i].First, inode.OldBlocks[i].Count);
            }
        }
        foreach (ReplayInode inode in changed)
        {
            foreach (Extent extent in inode.Map.Extents)
            {
                bitmaps.Use(extent.Start, extent.LengthBlocks);
            }
            for (int i = 0; !inode.IsMapChanged && i < inode.OldNodes.Count; i++)
            {
                bitmaps.Use(inode.OldNodes[i], 1);
            }
        }
    }

    private void SettleDirectory(ReplayInode inode)
    {
        if (inode.Directory is not { } directory)
        {
            return;
        }
        if (directory.NeedsRewrite)
        {
            _directories.Rewrite(inode, directory);
        }
        else
        {
            foreach (uint fileBlock in directory.ChangedBlocks)
            {
                _directories.SealLeaf(inode, fileBlock);
            }
        }
        if (format.HasFileTypes && (inode.Fields.LinkCount != 1 || inode.IsNew))
        {
            int links = directory.SubdirectoryCount + 2;
            inode.Fields.LinkCount = (ushort)(links > MostLinks ? 1 : links);
        }
    }

    private void SettleMap(ReplayInode inode)
    {
        if (!inode.IsMapChanged || ((inode.Flags & InodeFlags.Extents) == 0))
        {
            return;
        }
        var reusable = new Queue<FsBlock>(inode.OldNodes);
        uint nodes = _trees.Write(inode, () => TakeNode(inode, reusable));
        ulong clusters = 0;
        ulong last = ulong.MaxValue;
        foreach (Extent extent in inode.Map.Extents)
        {
            ulong first = extent.Start.Value >> geometry.ClusterShift;
            ulong end = (extent.Start.Value + extent.LengthBlocks - 1) >> geometry.ClusterShift;
            clusters += end - first + (first == last ? 0UL : 1UL);
            last = end;
        }
        ulong count = clusters + nodes + (inode.XattrBlock.Value != 0 ? 1u : 0u);
        StoreSectors(inode, count << geometry.ClusterShift);
    }

    private FsBlock TakeNode(ReplayInode inode, Queue<FsBlock> reusable)
    {
        while (reusable.TryDequeue(out FsBlock block))
        {
            if (bitmaps.TryUse(block))
            {
                return block;
            }
        }
        return bitmaps.Allocate(geometry.GroupOf(inode.Number));
    }

    private void StoreSectors(ReplayInode inode, ulong fsBlocks)
    {
        bool countsBlocks = (inode.Flags & InodeFlags.HugeFile) != 0;
        ulong value = countsBlocks ? fsBlocks : fsBlocks << (geometry.BlockSizeShift - SectorShift);
        inode.Fields.BlockCountLow = (uint)(value & uint.MaxValue);
        inode.Fields.BlockCountHigh = (ushort)((value >> 32) & ushort.MaxValue);
    }

    /// <summary>One inode fewer refers to a block of attributes. Docs: ext4/attributes.</summary>
    private void ReleaseXattrBlock(FsBlock block)
    {
        if (block.Value == 0 || !geometry.IsDataRange(block, 1))
        {
            return;
        }
        Span<byte> bytes = blocks.Change(block);
        uint references = BinaryPrimitives.ReadUInt32LittleEndian(bytes[XattrReferenceOffset..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != XattrMagic)
        {
            Ext4CorruptException.Throw(Corruption.XattrMagic, $"block {block}");
        }
        if (references <= 1)
        {
            bitmaps.Free(block, 1);
            blocks.Drop(block);
            return;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[XattrReferenceOffset..], references - 1);
        if (geometry.HasMetadataChecksums)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                bytes[XattrChecksumOffset..], new Checksums(geometry).OfXattrBlock(block, bytes));
        }
    }

    private void StoreSums()
    {
        (ulong clusters, uint free) = bitmaps.Sum();
        Span<byte> bytes = blocks.Change(geometry.SuperblockBlock)
            .AsSpan(geometry.SuperblockOffsetInBlock, Superblock.SizeBytes);
        ref Superblock super = ref Disk.At<Superblock>(bytes, 0);
        super.FreeBlockCount = clusters << geometry.ClusterShift;
        super.FreeInodeCount = free;
        if (geometry.HasMetadataChecksums)
        {
            super.Checksum = Checksums.OfSuperblock(bytes);
        }
    }
}

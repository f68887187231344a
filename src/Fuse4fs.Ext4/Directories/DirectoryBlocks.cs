using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The blocks of directories, each one's checksum verified once per load.</summary>
internal sealed class DirectoryBlocks(VolumeContext context, FileMap maps)
{
    private const int TailLengthOffset = 4;
    private const int TailTypeOffset = 7;
    private const int TailChecksumOffset = 8;

    /// <summary>Blocks a directory has. No more than the volume, or a damaged size would be searched for
    /// ever.</summary>
    /// <exception cref="Ext4CorruptException">Its size is impossible.</exception>
    public uint CountOf(Inode directory)
    {
        long count = directory.SizeBytes >> context.Geometry.BlockSizeShift;
        if (count > uint.MaxValue || (ulong)count > context.Geometry.BlockCount)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeSize, $"directory {directory.Number}: size {directory.SizeBytes}");
        }
        return (uint)count;
    }

    /// <summary>The first block that is there at or behind a given one: holes are skipped.</summary>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="fileBlock">Where to start; then the block found.</param>
    /// <param name="block">Where that is on the device.</param>
    /// <returns>False at the end of the directory.</returns>
    public bool TryMapNext(Inode directory, ref uint fileBlock, out FsBlock block)
    {
        uint count = CountOf(directory);
        while (fileBlock < count)
        {
            MapRun run = maps.Find(directory, fileBlock);
            if (run.Kind == RunKind.Written)
            {
                block = run.BlockAt(fileBlock);
                return true;
            }
            fileBlock = (uint)Math.Min(run.End, count);
        }
        block = default;
        return false;
    }

    /// <summary>Has the device work on a directory's first blocks while they are listed one by one.</summary>
    public void ReadAhead(Inode directory, uint mostBytes)
    {
        try
        {
            uint end = Math.Min(CountOf(directory), mostBytes >> context.Geometry.BlockSizeShift);
            for (uint at = 0; end > 1 && TryMapNext(directory, ref at, out FsBlock block) && at < end;)
            {
                ulong count = Math.Min(maps.Find(directory, at).End, end) - at;
                int shift = context.Geometry.BlockSizeShift;
                context.Device.ReadAhead((long)(block.Value << shift), (long)(count << shift));
                at += (uint)count;
            }
        }
        catch (Exception failure) when (failure is Ext4CorruptException or DeviceException)
        {
            // Whoever lists that part will be told.
        }
    }

    /// <summary>Holds a block that the index, or the caller, knows to be there.</summary>
    /// <exception cref="Ext4CorruptException">It is a hole, or beyond the end.</exception>
    public BlockLease Read(Inode directory, uint fileBlock)
    {
        FsBlock block = default;
        if (fileBlock >= CountOf(directory) || !maps.TryGetBlock(directory, fileBlock, out block))
        {
            Ext4CorruptException.Throw(
                Corruption.DirectoryHole, $"directory {directory.Number}: no block {fileBlock}");
        }
        return context.Cache.Read(block);
    }

    /// <summary>Holds a block of records.</summary>
    /// <exception cref="Ext4CorruptException">It is missing, or its checksum is wrong.</exception>
    public BlockLease ReadLeaf(Inode directory, uint fileBlock)
    {
        BlockLease lease = Read(directory, fileBlock);
        return VerifyLeaf(directory, fileBlock, lease);
    }

    /// <summary>Holds a node of the index; block 0 is the root.</summary>
    /// <exception cref="Ext4CorruptException">It is missing, is no node, or its checksum is wrong.</exception>
    public BlockLease ReadNode(Inode directory, uint fileBlock, scoped in DirectoryLayout layout)
    {
        BlockLease lease = Read(directory, fileBlock);
        try
        {
            if (!LooksLikeNode(lease.Bytes, fileBlock == 0, layout))
            {
                Throw(Corruption.HashTreeNode, directory, fileBlock, lease.Block, "not a node of the index");
            }
            if (layout.HasChecksums && !lease.IsVerified)
            {
                VerifyNode(directory, fileBlock, lease, layout);
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

    /// <summary>The next block of records at or behind a given one, whatever the index says: its nodes are skipped.
    /// </summary>
    /// <param name="directory">Its lock is held.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="fileBlock">Where to start; then the block found.</param>
    /// <param name="lease">Holds the block, verified; only with true.</param>
    /// <returns>False at the end of the directory.</returns>
    /// <exception cref="Ext4CorruptException">The block's checksum is wrong.</exception>
    public bool TryReadNextLeaf(
        Inode directory, scoped in DirectoryLayout layout, scoped ref uint fileBlock, out BlockLease lease)
    {
        bool isIndexed = directory.Has(InodeFlags.HashIndexed)
            && context.Geometry.Compat.HasFlag(CompatFeatures.DirectoryIndex);
        while (TryMapNext(directory, ref fileBlock, out FsBlock block))
        {
            lease = context.Cache.Read(block);
            if (!isIndexed || !LooksLikeNode(lease.Bytes, fileBlock == 0, layout))
            {
                lease = VerifyLeaf(directory, fileBlock, lease);
                return true;
            }
            lease.Dispose();
            fileBlock++;
        }
        lease = default;
        return false;
    }

    /// <summary>Verifies a block of records already held; gives it back when it is damaged.</summary>
    private BlockLease VerifyLeaf(Inode directory, uint fileBlock, BlockLease lease)
    {
        if (!context.Checksums.IsEnabled || lease.IsVerified)
        {
            return lease;
        }
        int covered = lease.Bytes.Length - DirectoryLayout.LeafTailBytes;
        ReadOnlySpan<byte> tail = lease.Bytes[covered..];
        uint expected = Checksums.OfInodeBlock(directory.ChecksumSeed, lease.Bytes[..covered]);
        uint found = BinaryPrimitives.ReadUInt32LittleEndian(tail[TailChecksumOffset..]);
        bool hasTail = BinaryPrimitives.ReadUInt32LittleEndian(tail) == 0
            && BinaryPrimitives.ReadUInt16LittleEndian(tail[TailLengthOffset..]) == DirectoryLayout.LeafTailBytes
            && tail[TailTypeOffset - 1] == 0 && tail[TailTypeOffset] == (byte)DirectoryFileType.ChecksumTail;
        if (!hasTail || expected != found)
        {
            FsBlock block = lease.Block;
            lease.Dispose();
            Throw(Corruption.DirectoryChecksum, directory, fileBlock, block,
                hasTail ? $"expected {expected:x8}, found {found:x8}" : "no checksum");
        }
        lease.MarkVerified();
        return lease;
    }

    /// <summary>Whether a block of an indexed directory is part of the index: the root, or one unused record over all
    /// of it. An empty leaf without checksum tail looks the same, and holds as many names.</summary>
    private static bool LooksLikeNode(ReadOnlySpan<byte> block, bool isRoot, in DirectoryLayout layout)
    {
        if (isRoot)
        {
            return true;
        }
        ref readonly DirectoryRecordHeader fake = ref Disk.At<DirectoryRecordHeader>(block, 0);
        int length = DirectoryRecordHeader.DecodeLength(fake.RawLength, layout.BlockSizeBytes);
        return fake.Inode == 0 && length == layout.BlockSizeBytes;
    }

    private static void VerifyNode(
        Inode directory, uint fileBlock, BlockLease lease, in DirectoryLayout layout)
    {
        ReadOnlySpan<byte> block = lease.Bytes;
        // Decoding checks count and limit, which the checksum's extent depends on.
        HashTreeNode node = HashTreeNode.Decode(block, fileBlock == 0, layout);
        int start = fileBlock == 0 ? HashTreeNode.RootEntriesOffset : HashTreeNode.InnerEntriesOffset;
        int used = start + (node.Count * HashTreeNode.EntryBytes);
        int tailStart = start + (HashTreeNode.Limit(fileBlock == 0, layout) * HashTreeNode.EntryBytes);
        ReadOnlySpan<byte> tail = block.Slice(tailStart, HashTreeNode.TailBytes);
        uint expected = Checksums.OfHashTreeNode(directory.ChecksumSeed, block[..used], tail);
        uint found = BinaryPrimitives.ReadUInt32LittleEndian(tail[4..]);
        if (expected != found)
        {
            Throw(Corruption.HashTreeNode, directory, fileBlock, lease.Block,
                $"checksum: expected {expected:x8}, found {found:x8}");
        }
    }

    [DoesNotReturn]
    private static void Throw(
        Corruption kind, Inode directory, uint fileBlock, FsBlock block, string what,
        [CallerMemberName] string function = "", [CallerLineNumber] int line = 0) =>
        Ext4CorruptException.Throw(
            kind, $"directory {directory.Number}, block {fileBlock}: {what}", directory.Number, block, function, line);
}

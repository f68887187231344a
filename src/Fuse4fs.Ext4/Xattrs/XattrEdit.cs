using System.Buffers;
using System.Buffers.Binary;
using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Changes to the attributes of one inode, collected in memory before a journal handle begins: copies of the
/// inode's tail and of the attribute block, rebuilt with each change. Made and applied by <see
/// cref="XattrWriter"/>.</summary>
internal sealed class XattrEdit : IDisposable
{
    /// <summary>Where values may have inodes, a block keeps room for so many bytes of entries. Kernel:
    /// EXT4_XATTR_BLOCK_RESERVE.</summary>
    private const int LargestEntryReserve = 1024;
    private const int EntryReservePart = 8;

    private readonly Geometry _geometry;
    private readonly int _tailBytes;
    private byte[] _tail;
    private byte[] _block;
    private byte[] _scratch;

    internal XattrEdit(Geometry geometry, Inode inode, ReadOnlySpan<byte> tail, ReadOnlySpan<byte> block)
    {
        _geometry = geometry;
        Inode = inode;
        _tailBytes = tail.Length;
        _tail = Rent(tail);
        _block = Rent(block);
        _scratch = ArrayPool<byte>.Shared.Rent(geometry.BlockSizeBytes);
        OldBlock = inode.XattrBlock;
        if (block.IsEmpty)
        {
            XattrAreaBuilder.ForBlock(Block);
        }
        Disk.At<XattrBlockHeader>(Block, 0).ReferenceCount = 1;
        OldBlockValues = ValuesInBlock();
    }

    /// <summary>Whose attributes.</summary>
    public Inode Inode { get; }

    /// <summary>The block with attributes before the change, 0 for none.</summary>
    public FsBlock OldBlock { get; }

    /// <summary>The inode's tail, magic included, as it will be.</summary>
    public Span<byte> Tail => _tail.AsSpan(0, _tailBytes);

    /// <summary>The block, as it will be; its reference count is 1.</summary>
    public Span<byte> Block => _block.AsSpan(0, _geometry.BlockSizeBytes);

    public bool IsTailChanged { get; private set; }

    public bool IsBlockChanged { get; private set; }

    /// <summary>Whether the block will hold any attribute.</summary>
    public bool HasBlock { get; private set; }

    /// <summary>The old block is used by other inodes too: the new one gets a place of its own.</summary>
    public bool IsShared { get; init; }

    /// <summary>The inodes with values that the old block refers to.</summary>
    public List<InodeNumber> OldBlockValues { get; }

    /// <summary>The place of a new block, when one is needed.</summary>
    public BlockRun NewBlock { get; set; }

    /// <summary>Inodes with values that lose a reference; those of a shared block are still referred to by
    /// it.</summary>
    public List<InodeNumber> DroppedValues { get; } = [];

    /// <summary>What the inode's space shrinks by because values in inodes count for every inode that refers to them:
    /// units of 512 bytes. Kernel: ext4_xattr_inode_free_quota.</summary>
    public ulong DroppedSectors { get; private set; }

    /// <summary>Anything to be written.</summary>
    public bool IsChanged => IsTailChanged || IsBlockChanged;

    /// <summary>Finds an attribute as it will be.</summary>
    public bool TryFind(XattrName name, out XattrEntry entry, out bool isInBlock)
    {
        isInBlock = false;
        if (OpenTail().TryFind(name, out entry))
        {
            return true;
        }
        isInBlock = true;
        return OpenBlock().TryFind(name, out entry);
    }

    /// <summary>Sets a value: in the inode where it fits, else in the block.</summary>
    /// <returns>Ok, or NoSpace when it fits in neither.</returns>
    public Errno Set(XattrName name, ReadOnlySpan<byte> value)
    {
        bool isFound = TryFind(name, out XattrEntry old, out bool isInBlock);
        if (isFound && old.ValueInode == InodeNumber.None && old.Value.SequenceEqual(value))
        {
            return Errno.Ok;
        }
        InodeNumber dropped = isFound ? old.ValueInode : InodeNumber.None;
        int droppedBytes = isFound ? old.ValueLength : 0;
        var stored = new XattrValue(value);
        if (TryRebuildTail(name, stored, isKept: true))
        {
            if (isFound && isInBlock)
            {
                TryRebuildBlock(name, default, isKept: false);
            }
        }
        else if (TryRebuildBlock(name, stored, isKept: true))
        {
            if (isFound && !isInBlock)
            {
                TryRebuildTail(name, default, isKept: false);
            }
        }
        else
        {
            return Errno.NoSpace;
        }
        Drop(dropped, droppedBytes, isInBlock);
        return Errno.Ok;
    }

    /// <summary>Removes an attribute.</summary>
    /// <returns>Ok, or NoData when there is none.</returns>
    public Errno Remove(XattrName name)
    {
        if (!TryFind(name, out XattrEntry old, out bool isInBlock))
        {
            return Errno.NoData;
        }
        InodeNumber dropped = old.ValueInode;
        int droppedBytes = old.ValueLength;
        bool isDone = isInBlock
            ? TryRebuildBlock(name, default, isKept: false)
            : TryRebuildTail(name, default, isKept: false);
        if (!isDone)
        {
            // Values shared by several entries, as a foreign tool may have made them, need more room apart.
            return Errno.NoSpace;
        }
        Drop(dropped, droppedBytes, isInBlock);
        return Errno.Ok;
    }

    /// <summary>The inodes with values that the block refers to.</summary>
    public List<InodeNumber> ValuesInBlock()
    {
        var values = new List<InodeNumber>();
        foreach (XattrEntry entry in OpenBlock())
        {
            if (entry.ValueInode != InodeNumber.None)
            {
                values.Add(entry.ValueInode);
            }
        }
        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_tail);
        ArrayPool<byte>.Shared.Return(_block);
        ArrayPool<byte>.Shared.Return(_scratch);
        _tail = [];
        _block = [];
        _scratch = [];
    }

    private XattrArea OpenTail()
    {
        XattrArea.TryOpenInode(Tail, _geometry, Inode.Number, out XattrArea area);
        return area;
    }

    private XattrArea OpenBlock() => XattrArea.OpenBlock(Block, _geometry, OldBlock);

    private bool TryRebuildTail(XattrName name, XattrValue value, bool isKept)
    {
        if (_tailBytes < XattrArea.InodeHeaderBytes + XattrEntryHeader.Alignment)
        {
            return false;
        }
        Span<byte> fresh = _scratch.AsSpan(0, _tailBytes);
        XattrAreaBuilder builder = XattrAreaBuilder.ForInode(fresh[XattrArea.InodeHeaderBytes..]);
        if (isKept ? !builder.TrySet(OpenTail(), name, value) : !builder.TryRemove(OpenTail(), name))
        {
            return false;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(fresh, builder.IsEmpty ? 0 : XattrBlockHeader.ExpectedMagic);
        fresh.CopyTo(_tail);
        IsTailChanged = true;
        return true;
    }

    private bool TryRebuildBlock(XattrName name, XattrValue value, bool isKept)
    {
        Span<byte> fresh = _scratch.AsSpan(0, _geometry.BlockSizeBytes);
        XattrAreaBuilder builder = XattrAreaBuilder.ForBlock(fresh);
        if (isKept ? !builder.TrySet(OpenBlock(), name, value) : !builder.TryRemove(OpenBlock(), name))
        {
            return false;
        }
        if (isKept && !value.Bytes.IsEmpty && _geometry.Incompat.HasFlag(IncompatFeatures.XattrInodes)
            && builder.ValuesStart < Math.Min(_geometry.BlockSizeBytes / EntryReservePart, LargestEntryReserve))
        {
            return false;
        }
        builder.FinishBlock();
        fresh.CopyTo(_block);
        HasBlock = !builder.IsEmpty;
        IsBlockChanged = true;
        return true;
    }

    private void Drop(InodeNumber value, int lengthBytes, bool isInBlock)
    {
        if (value == InodeNumber.None)
        {
            return;
        }
        long clusterBytes = (long)_geometry.BlockSizeBytes << _geometry.ClusterShift;
        DroppedSectors += (ulong)((lengthBytes + clusterBytes - 1) / clusterBytes * clusterBytes) >> 9;
        if (!(isInBlock && IsShared))
        {
            DroppedValues.Add(value);
        }
    }

    private byte[] Rent(ReadOnlySpan<byte> contents)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(Math.Max(_geometry.BlockSizeBytes, contents.Length));
        contents.CopyTo(copy);
        return copy;
    }
}

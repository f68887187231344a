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
internal sealed partial class XattrEdit : IDisposable
{
    /// <summary>Where values may have inodes, a block keeps room for so many bytes of entries. Kernel:
    /// EXT4_XATTR_BLOCK_RESERVE.</summary>
    private const int LargestEntryReserve = 1024;
    private const int EntryReservePart = 8;

    private readonly Geometry _geometry;
    private int _tailBytes;
    private byte[] _tail;
    private byte[] _block;
    private byte[] _scratch;
    private readonly ulong _oldSectors;

    internal XattrEdit(Geometry geometry, Inode inode, ReadOnlySpan<byte> tail, ReadOnlySpan<byte> block)
    {
        _geometry = geometry;
        Inode = inode;
        _tailBytes = tail.Length;
        ExtraSizeBytes = inode.ExtraSizeBytes;
        _tail = Rent(tail);
        _block = Rent(block);
        _scratch = ArrayPool<byte>.Shared.Rent(geometry.BlockSizeBytes);
        OldBlock = inode.XattrBlock;
        if (block.IsEmpty)
        {
            XattrAreaBuilder.ForBlock(Block);
        }
        Disk.At<XattrBlockHeader>(Block, 0).ReferenceCount = 1;
        OldHash = Disk.At<XattrBlockHeader>(Block, 0).Hash;
        OldBlockValues = ValuesIn(OpenBlock());
        OldTailValues = ValuesIn(OpenTail());
        inode.LearnValueInodes(OldBlockValues.Count + OldTailValues.Count);
        _oldSectors = SectorsOfValues();
    }

    /// <summary>Whose attributes.</summary>
    public Inode Inode { get; }

    /// <summary>What the inode's extra size will be, once <see cref="IsTailChanged"/>.</summary>
    public int ExtraSizeBytes { get; private set; }

    /// <summary>The block with attributes before the change, 0 for none.</summary>
    public FsBlock OldBlock { get; }

    /// <summary>The inode's tail, magic included, as it will be.</summary>
    public Span<byte> Tail => _tail.AsSpan(0, _tailBytes);

    /// <summary>The block, as it will be; its reference count is 1.</summary>
    public Span<byte> Block => _block.AsSpan(0, _geometry.BlockSizeBytes);

    public bool IsTailChanged { get; private set; }

    public bool IsBlockChanged { get; private set; }

    /// <summary>Whether the block will hold any attribute, once <see cref="IsBlockChanged"/>.</summary>
    public bool HasBlock { get; private set; }

    /// <summary>The old block is used by other inodes too: the new one gets a place of its own.</summary>
    public bool IsShared { get; init; }

    /// <summary>The inodes with values that the old block refers to.</summary>
    public List<InodeNumber> OldBlockValues { get; }

    /// <summary>The place of a new block, when one is needed.</summary>
    public BlockRun NewBlock { get; set; }

    /// <summary>Another block that says the same already, as far as known; 0 for none.</summary>
    public FsBlock Candidate { get; set; }

    /// <summary>The inodes with values that the inode's tail referred to.</summary>
    public List<InodeNumber> OldTailValues { get; }

    /// <summary>h_hash of the old block.</summary>
    public uint OldHash { get; }

    /// <summary>Applied: a block was written, rather than another one shared.</summary>
    public bool IsBlockWritten { get; set; }

    /// <summary>Applied: the old block was freed or overwritten.</summary>
    public bool IsOldBlockGone { get; set; }

    /// <summary>It was applied.</summary>
    public bool IsApplied { get; set; }

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
        return Place(name, new XattrValue(value), isFound, isInBlock);
    }

    /// <summary>Sets a value that is in an inode of its own.</summary>
    /// <param name="name">Which attribute.</param>
    /// <param name="value">The inode that holds it.</param>
    /// <param name="lengthBytes">Of the value.</param>
    /// <param name="checksum">Of the value, as its inode keeps it.</param>
    /// <returns>Ok, or NoSpace when even the entry fits nowhere.</returns>
    public Errno SetInInode(XattrName name, InodeNumber value, int lengthBytes, uint checksum)
    {
        bool isFound = TryFind(name, out _, out bool isInBlock);
        uint hash = XattrHash.OfEntryWithInode(name.Suffix, checksum, isSigned: false);
        return Place(name, new XattrValue(default, value, lengthBytes, hash), isFound, isInBlock);
    }

    /// <summary>Sets a value in the inode's tail, or not at all.</summary>
    public bool TrySetInTail(XattrName name, ReadOnlySpan<byte> value) =>
        TryRebuildTail(name, new XattrValue(value), isKept: true);

    /// <summary>Bytes of the largest value that an attribute could have in the inode's tail.</summary>
    public int LargestInTail(XattrName name)
    {
        int free = _tailBytes - XattrArea.InodeHeaderBytes - sizeof(uint)
            - XattrEntryHeader.LengthFor(name.Suffix.Length);
        foreach (XattrEntry entry in OpenTail())
        {
            if (!entry.Is(name))
            {
                free -= XattrEntryHeader.LengthFor(entry.Suffix.Length) + XattrEntryHeader.Pad(entry.Value.Length);
            }
        }
        return Math.Max(0, free & -XattrEntryHeader.Alignment);
    }

    /// <summary>In the inode where it fits, else in the block; taken away where it was before.</summary>
    private Errno Place(XattrName name, XattrValue stored, bool isFound, bool isInBlock)
    {
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
        return Errno.Ok;
    }

    /// <summary>Removes an attribute.</summary>
    /// <returns>Ok, or NoData when there is none.</returns>
    public Errno Remove(XattrName name)
    {
        if (!TryFind(name, out _, out bool isInBlock))
        {
            return Errno.NoData;
        }
        bool isDone = isInBlock
            ? TryRebuildBlock(name, default, isKept: false)
            : TryRebuildTail(name, default, isKept: false);
        if (!isDone)
        {
            // Values shared by several entries, as a foreign tool may have made them, need more room apart.
            return Errno.NoSpace;
        }
        return Errno.Ok;
    }

    /// <summary>The inodes with values that the block refers to, as it will be.</summary>
    public List<InodeNumber> ValuesInBlock() => ValuesIn(OpenBlock());

    /// <summary>The inodes with values that the inode's tail refers to, as it will be.</summary>
    public List<InodeNumber> ValuesInTail() => ValuesIn(OpenTail());

    /// <summary>Values in inodes count for every inode that refers to them, as space and as inodes: gives the inode what
    /// the edit adds. Kernel: ext4_xattr_inode_alloc_quota.</summary>
    public void CountValues()
    {
        ulong added = SectorsOfValues();
        Inode.Sectors = Inode.Sectors + added - Math.Min(Inode.Sectors + added, _oldSectors);
        Inode.ValueInodes = ValuesInTail().Count + ValuesInBlock().Count;
    }

    /// <summary>Whether another block says the same as this one will.</summary>
    public bool IsSameAs(ReadOnlySpan<byte> other, FsBlock number) =>
        XattrArea.AreSame(OpenBlock(), XattrArea.OpenBlock(other, _geometry, number));

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

    private ulong SectorsOfValues() => SectorsOf(OpenTail()) + SectorsOf(OpenBlock());

    private ulong SectorsOf(XattrArea area)
    {
        ulong sectors = 0;
        int shift = _geometry.BlockSizeShift + _geometry.ClusterShift;
        foreach (XattrEntry entry in area)
        {
            if (entry.ValueInode != InodeNumber.None)
            {
                sectors += (((ulong)entry.ValueLength + (1ul << shift) - 1) >> shift) << (shift - 9);
            }
        }
        return sectors;
    }

    private static List<InodeNumber> ValuesIn(XattrArea area)
    {
        var values = new List<InodeNumber>();
        foreach (XattrEntry entry in area)
        {
            if (entry.ValueInode != InodeNumber.None)
            {
                values.Add(entry.ValueInode);
            }
        }
        return values;
    }

    private byte[] Rent(ReadOnlySpan<byte> contents)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(Math.Max(_geometry.BlockSizeBytes, contents.Length));
        contents.CopyTo(copy);
        return copy;
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Builds the attributes of an inode's tail or of a block anew, one of them changed: entries from the front,
/// values from the back, nothing in between. Docs: ext4/attributes.</summary>
internal ref struct XattrAreaBuilder
{
    private readonly Span<byte> _area;
    private readonly int _firstEntry;
    private int _entriesEnd;
    private int _valuesStart;

    private XattrAreaBuilder(Span<byte> area, int firstEntry)
    {
        _area = area;
        _firstEntry = firstEntry;
        _entriesEnd = firstEntry;
        _valuesStart = area.Length;
    }

    /// <summary>True when no attribute is left.</summary>
    public readonly bool IsEmpty => _entriesEnd == _firstEntry;

    /// <summary>Where the lowest value begins.</summary>
    public readonly int ValuesStart => _valuesStart;

    private readonly bool IsBlock => _firstEntry != 0;

    /// <summary>Starts with nothing.</summary>
    /// <param name="area">An inode's tail behind the magic; cleared.</param>
    public static XattrAreaBuilder ForInode(Span<byte> area)
    {
        area.Clear();
        return new XattrAreaBuilder(area, 0);
    }

    /// <summary>Starts with nothing.</summary>
    /// <param name="block">A whole block; cleared.</param>
    public static XattrAreaBuilder ForBlock(Span<byte> block)
    {
        block.Clear();
        ref XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(block, 0);
        header.Magic = XattrBlockHeader.ExpectedMagic;
        header.ReferenceCount = 1;
        header.Blocks = 1;
        return new XattrAreaBuilder(block, XattrBlockHeader.SizeBytes);
    }

    /// <summary>Takes over all attributes, one of them with a new value.</summary>
    /// <param name="old">What there was.</param>
    /// <param name="name">The attribute that changes, or is new.</param>
    /// <param name="value">Its new value.</param>
    /// <returns>False when there is no room.</returns>
    public bool TrySet(XattrArea old, XattrName name, XattrValue value) => TryChange(old, name, value, isKept: true);

    /// <summary>Takes over all attributes.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryCopyAll(XattrArea old)
    {
        foreach (XattrEntry entry in old)
        {
            if (!TryCopy(entry))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Takes over all attributes but one. Always fits where they were before.</summary>
    public bool TryRemove(XattrArea old, XattrName name) => TryChange(old, name, default, isKept: false);

    /// <summary>Completes a block: its hash over all entries.</summary>
    public readonly void FinishBlock()
    {
        uint hash = 0;
        for (int at = _firstEntry; at < _entriesEnd; at += XattrEntryHeader.LengthFor(_area[at]))
        {
            uint entryHash = Disk.At<XattrEntryHeader>(_area, at).Hash;
            if (entryHash == 0)
            {
                hash = 0;
                break;
            }
            hash = XattrHash.AddWord(hash, entryHash);
        }
        Disk.At<XattrBlockHeader>(_area, 0).Hash = hash;
    }

    private bool TryChange(XattrArea old, XattrName name, XattrValue value, bool isKept)
    {
        bool isPending = isKept;
        foreach (XattrEntry entry in old)
        {
            bool isSame = entry.Is(name);
            // Blocks are kept in order; in inodes an attribute keeps its place and new ones go to the end.
            if (isPending && (isSame || (IsBlock && Compare(name, entry) < 0)))
            {
                if (!TryAdd(name, value))
                {
                    return false;
                }
                isPending = false;
            }
            if (!isSame && !TryCopy(entry))
            {
                return false;
            }
        }
        return !isPending || TryAdd(name, value);
    }

    /// <summary>By prefix number, then length, then bytes.</summary>
    private static int Compare(XattrName name, XattrEntry entry)
    {
        int order = name.Index.CompareTo(entry.Index);
        if (order == 0)
        {
            order = name.Suffix.Length.CompareTo(entry.Suffix.Length);
        }
        return order == 0 ? name.Suffix.SequenceCompareTo(entry.Suffix) : order;
    }

    private bool TryCopy(XattrEntry entry)
    {
        var value = new XattrValue(entry.Value, entry.ValueInode, entry.ValueLength, entry.Hash);
        return TryAppend(entry.Index, entry.Suffix, value, entry.Hash);
    }

    private bool TryAdd(XattrName name, XattrValue value)
    {
        uint hash = 0;
        if (value.Inode != InodeNumber.None)
        {
            hash = value.Hash;
        }
        else if (IsBlock)
        {
            hash = XattrHash.OfEntry(name.Suffix, value.Bytes);
        }
        return TryAppend(name.Index, name.Suffix, value, hash);
    }

    private bool TryAppend(XattrIndex index, ReadOnlySpan<byte> suffix, XattrValue value, uint hash)
    {
        int entryLength = XattrEntryHeader.LengthFor(suffix.Length);
        int padded = XattrEntryHeader.Pad(value.Bytes.Length);
        if (_entriesEnd + entryLength + sizeof(uint) + padded > _valuesStart)
        {
            return false;
        }
        ref XattrEntryHeader header = ref Disk.At<XattrEntryHeader>(_area, _entriesEnd);
        header.NameLength = (byte)suffix.Length;
        header.Index = index;
        header.ValueInode = value.Inode.Value;
        header.ValueSize = (uint)value.Length;
        header.Hash = hash;
        suffix.CopyTo(_area[(_entriesEnd + XattrEntryHeader.SizeBytes)..]);
        if (padded > 0)
        {
            _valuesStart -= padded;
            value.Bytes.CopyTo(_area[_valuesStart..]);
            header.ValueOffset = (ushort)_valuesStart;
        }
        _entriesEnd += entryLength;
        return true;
    }
}

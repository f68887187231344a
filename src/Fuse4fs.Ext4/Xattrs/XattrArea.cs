using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>The attributes of an inode's tail or of a block: entries from the front, values from the back. All of it is
/// validated when it is opened. Docs: ext4/attributes. Kernel: check_xattrs.</summary>
internal readonly ref struct XattrArea
{
    /// <summary>EXT4_XATTR_SIZE_MAX: larger values are damage.</summary>
    public const uint MaximumValueBytes = 1 << 24;

    /// <summary>Bytes of the header of attributes inside an inode: the magic alone.</summary>
    public const int InodeHeaderBytes = 4;

    private readonly ReadOnlySpan<byte> _area;
    private readonly int _firstEntry;

    private XattrArea(ReadOnlySpan<byte> area, int firstEntry)
    {
        _area = area;
        _firstEntry = firstEntry;
    }

    /// <summary>Opens the attributes in an inode.</summary>
    /// <param name="tail">What follows i_extra_isize up to the inode's end.</param>
    /// <param name="volume">For the range of value inodes.</param>
    /// <param name="owner">For messages.</param>
    /// <param name="area">Empty with false.</param>
    /// <returns>False when there are none.</returns>
    /// <exception cref="Ext4CorruptException">An entry is impossible.</exception>
    public static bool TryOpenInode(
        ReadOnlySpan<byte> tail, Geometry volume, InodeNumber owner, out XattrArea area)
    {
        area = default;
        if (tail.Length < InodeHeaderBytes + sizeof(uint)
            || BinaryPrimitives.ReadUInt32LittleEndian(tail) != XattrBlockHeader.ExpectedMagic)
        {
            return false;
        }
        area = new XattrArea(tail[InodeHeaderBytes..], 0);
        area.Validate(volume, $"attributes in inode {owner}");
        return true;
    }

    /// <summary>Opens a block of attributes; its checksum is verified by the caller.</summary>
    /// <exception cref="Ext4CorruptException">The header or an entry is impossible.</exception>
    public static XattrArea OpenBlock(ReadOnlySpan<byte> block, Geometry volume, FsBlock number)
    {
        ref readonly XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(block, 0);
        if (header.Magic != XattrBlockHeader.ExpectedMagic || header.Blocks != 1)
        {
            Ext4CorruptException.Throw(
                Corruption.XattrMagic, $"attribute block {number}: magic {(uint)header.Magic:X8}, {header.Blocks} blocks");
        }
        var area = new XattrArea(block, XattrBlockHeader.SizeBytes);
        area.Validate(volume, $"attribute block {number}");
        return area;
    }

    /// <summary>There is no area at all.</summary>
    public bool IsEmpty => _area.IsEmpty;

    /// <summary>Walks the entries.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Finds an attribute.</summary>
    public bool TryFind(XattrName name, out XattrEntry found)
    {
        foreach (XattrEntry entry in this)
        {
            if (entry.Is(name))
            {
                found = entry;
                return true;
            }
        }
        found = default;
        return false;
    }

    /// <summary>Whether both say the same in the same order, wherever the values lie. Kernel:
    /// ext4_xattr_cmp.</summary>
    public static bool AreSame(XattrArea left, XattrArea right)
    {
        Enumerator others = right.GetEnumerator();
        foreach (XattrEntry entry in left)
        {
            if (!others.MoveNext())
            {
                return false;
            }
            XattrEntry other = others.Current;
            if (entry.Hash != other.Hash || entry.Index != other.Index || !entry.Suffix.SequenceEqual(other.Suffix)
                || entry.ValueInode != other.ValueInode || entry.ValueLength != other.ValueLength
                || !entry.Value.SequenceEqual(other.Value))
            {
                return false;
            }
        }
        return !others.MoveNext();
    }

    private void Validate(Geometry volume, string where)
    {
        int namesEnd = _firstEntry;
        while (!IsEnd(namesEnd, where))
        {
            int next = namesEnd + XattrEntryHeader.LengthFor(_area[namesEnd]);
            if (next + sizeof(uint) > _area.Length)
            {
                Throw(where, namesEnd, "the name leaves the area");
            }
            if (_area.Slice(namesEnd + XattrEntryHeader.SizeBytes, _area[namesEnd]).Contains((byte)0))
            {
                Throw(where, namesEnd, "the name contains a zero");
            }
            namesEnd = next;
        }
        for (int at = _firstEntry; at < namesEnd; at += XattrEntryHeader.LengthFor(_area[at]))
        {
            ValidateValue(at, namesEnd + sizeof(uint), volume, where);
        }
    }

    private void ValidateValue(int at, int valuesStart, Geometry volume, string where)
    {
        ref readonly XattrEntryHeader header = ref Disk.At<XattrEntryHeader>(_area, at);
        uint size = header.ValueSize;
        uint inode = header.ValueInode;
        if (size > MaximumValueBytes)
        {
            Throw(where, at, $"value of {size} bytes");
        }
        if (inode != 0)
        {
            if (!volume.Incompat.HasFlag(IncompatFeatures.XattrInodes) || inode > volume.InodeCount
                || inode == InodeNumber.Root.Value || size == 0)
            {
                Throw(where, at, $"value of {size} bytes in inode {inode}");
            }
            return;
        }
        int padded = XattrEntryHeader.Pad((int)size);
        if (size != 0 && (header.ValueOffset < valuesStart || padded > _area.Length - header.ValueOffset))
        {
            Throw(where, at, $"value of {size} bytes at {(ushort)header.ValueOffset}");
        }
    }

    /// <summary>Four zero bytes end the list. Kernel: IS_LAST_ENTRY.</summary>
    private bool IsEnd(int at, string where)
    {
        if (at + sizeof(uint) > _area.Length)
        {
            Throw(where, at, "the list has no end");
        }
        return BinaryPrimitives.ReadUInt32LittleEndian(_area[at..]) == 0;
    }

    [DoesNotReturn]
    private static void Throw(string where, int at, string what) =>
        Ext4CorruptException.Throw(Corruption.XattrEntry, $"{where}, entry at {at}: {what}");

    /// <summary>Walks validated entries.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> _area;
        private int _next;

        internal Enumerator(XattrArea area)
        {
            _area = area._area;
            _next = area._firstEntry;
        }

        /// <summary>Valid after a successful <see cref="MoveNext"/>.</summary>
        public XattrEntry Current { get; private set; }

        /// <summary>Goes to the next entry.</summary>
        public bool MoveNext()
        {
            if (_area.IsEmpty || BinaryPrimitives.ReadUInt32LittleEndian(_area[_next..]) == 0)
            {
                return false;
            }
            Current = new XattrEntry(_area, _next);
            _next += XattrEntryHeader.LengthFor(_area[_next]);
            return true;
        }
    }
}

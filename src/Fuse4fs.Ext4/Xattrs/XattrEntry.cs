using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>One validated attribute of an inode or a block.</summary>
internal readonly ref struct XattrEntry
{
    private readonly ReadOnlySpan<byte> _area;

    internal XattrEntry(ReadOnlySpan<byte> area, int offset)
    {
        _area = area;
        Offset = offset;
    }

    /// <summary>Where the entry starts in its area.</summary>
    public int Offset { get; }

    public XattrIndex Index => Header.Index;

    /// <summary>The name without its prefix.</summary>
    public ReadOnlySpan<byte> Suffix => _area.Slice(Offset + XattrEntryHeader.SizeBytes, Header.NameLength);

    /// <summary>Bytes of the value, wherever it is.</summary>
    public int ValueLength => (int)(uint)Header.ValueSize;

    /// <summary>The inode that holds the value, or None when it is here.</summary>
    public InodeNumber ValueInode => new(Header.ValueInode);

    /// <summary>e_hash.</summary>
    public uint Hash => Header.Hash;

    /// <summary>The value when it is here; empty for values in an inode.</summary>
    public ReadOnlySpan<byte> Value => ValueInode != InodeNumber.None || ValueLength == 0
        ? default
        : _area.Slice(Header.ValueOffset, ValueLength);

    private ref readonly XattrEntryHeader Header => ref Disk.At<XattrEntryHeader>(_area, Offset);

    /// <summary>Whether this is the attribute of that name.</summary>
    public bool Is(XattrName name) => Index == name.Index && Suffix.SequenceEqual(name.Suffix);
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>A value to be stored: here, or already in an inode of its own.</summary>
internal readonly ref struct XattrValue(ReadOnlySpan<byte> bytes, InodeNumber inode, int length, uint hash)
{
    /// <summary>A value that is stored with its entry.</summary>
    public XattrValue(ReadOnlySpan<byte> bytes) : this(bytes, InodeNumber.None, bytes.Length, 0)
    {
    }

    /// <summary>Empty when the value is in an inode.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>Where the value is, or None.</summary>
    public InodeNumber Inode { get; } = inode;

    /// <summary>Bytes of the value.</summary>
    public int Length { get; } = length;

    /// <summary>e_hash of an entry whose value is in an inode.</summary>
    public uint Hash { get; } = hash;
}

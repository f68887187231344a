using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>The fixed part of an attribute's entry; the name's suffix follows, padded to 4 bytes.</summary>
/// <remarks>16 bytes, little-endian. Kernel: struct ext4_xattr_entry. Docs: ext4/attributes.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct XattrEntryHeader
{
    public const int SizeBytes = 16;

    /// <summary>Names and values are padded to this.</summary>
    public const int Alignment = 4;

    /// <summary>e_name_len, bytes.</summary>
    public byte NameLength;

    /// <summary>e_name_index.</summary>
    public XattrIndex Index;

    /// <summary>e_value_offs: from the block's start; in an inode from the first entry.</summary>
    public Le16 ValueOffset;

    /// <summary>e_value_inum: the inode that holds the value, or 0.</summary>
    public Le32 ValueInode;

    /// <summary>e_value_size, bytes.</summary>
    public Le32 ValueSize;

    /// <summary>e_hash; 0 in inodes, except for values in inodes of their own.</summary>
    public Le32 Hash;

    /// <summary>Bytes of an entry with its name.</summary>
    public static int LengthFor(int nameLength) => Pad(SizeBytes + nameLength);

    /// <summary>Rounds up to <see cref="Alignment"/>.</summary>
    public static int Pad(int bytes) => (bytes + Alignment - 1) & ~(Alignment - 1);
}

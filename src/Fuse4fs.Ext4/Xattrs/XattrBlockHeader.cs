using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Head of a block of attributes, shared by all inodes with the same ones.</summary>
/// <remarks>32 bytes, little-endian. Kernel: struct ext4_xattr_header. Docs: ext4/attributes.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct XattrBlockHeader
{
    public const int SizeBytes = 32;

    /// <summary>h_magic, also of the 4-byte header inside inodes.</summary>
    public const uint ExpectedMagic = 0xEA020000;

    /// <summary>More inodes than this do not share a block.</summary>
    public const uint MaximumReferences = 1024;

    public Le32 Magic;

    /// <summary>h_refcount: inodes that use the block.</summary>
    public Le32 ReferenceCount;

    /// <summary>h_blocks: 1.</summary>
    public Le32 Blocks;

    /// <summary>h_hash of all entries; 0 when the block cannot be shared.</summary>
    public Le32 Hash;

    public Le32 Checksum;

    private readonly Le32 _reserved0;
    private readonly Le32 _reserved1;
    private readonly Le32 _reserved2;
}

using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>One entry of a complete fast commit. All values are little-endian, unlike the rest of the
/// journal.</summary>
/// <param name="Tag">What it is.</param>
/// <param name="Value">Its value, of a length that fits the tag.</param>
/// <remarks>Kernel: struct ext4_fc_add_range, ext4_fc_del_range, ext4_fc_dentry_info, ext4_fc_inode.</remarks>
internal readonly record struct FastCommitRecord(FastCommitTag Tag, ReadOnlyMemory<byte> Value)
{
    /// <summary>Bytes before the name in the value of a directory entry.</summary>
    public const int EntryHeaderBytes = 8;

    /// <summary>Bytes before the record in the value of an inode.</summary>
    public const int InodeHeaderBytes = 4;

    /// <summary>The inode of a range or an inode record.</summary>
    public InodeNumber Inode => new(Word(0));

    /// <summary>The directory of an entry.</summary>
    public InodeNumber Parent => new(Word(0));

    /// <summary>What an entry refers to.</summary>
    public InodeNumber Child => new(Word(4));

    /// <summary>The name of an entry.</summary>
    public ReadOnlySpan<byte> Name => Value.Span[EntryHeaderBytes..];

    /// <summary>The record of an inode: 128 bytes and as many more as its writer cared for.</summary>
    public ReadOnlySpan<byte> InodeBytes => Value.Span[InodeHeaderBytes..];

    /// <summary>First file block of a deleted range.</summary>
    public uint FirstFileBlock => Word(4);

    /// <summary>Blocks of a deleted range.</summary>
    public uint LengthBlocks => Word(8);

    /// <summary>The extent of an added range.</summary>
    public ExtentEntry Extent => System.Runtime.InteropServices.MemoryMarshal.Read<ExtentEntry>(Value.Span[4..]);

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Value.Span[offset..]);
}

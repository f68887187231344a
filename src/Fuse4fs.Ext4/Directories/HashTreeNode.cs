using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>One node of a directory's index, the root included: which block holds the names from which hash
/// on.</summary>
/// <remarks>Kernel: struct dx_root, struct dx_node. Docs: ext4/directory, "Hash Tree Directories". Entry 0 has no
/// hash: the words in its place are limit and count.</remarks>
internal readonly ref struct HashTreeNode
{
    /// <summary>Bytes of an entry: hash, block.</summary>
    public const int EntryBytes = 8;

    /// <summary>struct dx_tail: reserved, checksum.</summary>
    public const int TailBytes = 8;

    /// <summary>Where the entries of a node other than the root start: behind a fake record over the whole
    /// block.</summary>
    public const int InnerEntriesOffset = 8;

    /// <summary>Where the entries of a root start.</summary>
    public const int RootEntriesOffset = HashTreeRoot.InfoOffset + HashTreeRoot.InfoBytes;

    /// <summary>Upper bits of a block number are reserved.</summary>
    public const uint MaximumBlock = 0x0FFFFFFF;

    private readonly ReadOnlySpan<byte> _entries;

    private HashTreeNode(ReadOnlySpan<byte> entries) => _entries = entries;

    /// <summary>Entries in use, at least 1.</summary>
    public int Count => BinaryPrimitives.ReadUInt16LittleEndian(_entries[2..]);

    /// <summary>Validates a node.</summary>
    /// <param name="block">The whole block; its checksum was verified.</param>
    /// <param name="isRoot">Block 0 of the directory.</param>
    /// <param name="layout">Of the directory.</param>
    /// <exception cref="Ext4CorruptException">Count or limit are impossible.</exception>
    public static HashTreeNode Decode(ReadOnlySpan<byte> block, bool isRoot, in DirectoryLayout layout)
    {
        int start = isRoot ? RootEntriesOffset : InnerEntriesOffset;
        int limit = BinaryPrimitives.ReadUInt16LittleEndian(block[start..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(block[(start + 2)..]);
        if (limit != Limit(isRoot, layout))
        {
            Throw(layout, $"limit {limit}, expected {Limit(isRoot, layout)}");
        }
        if (count == 0 || count > limit)
        {
            Throw(layout, $"{count} entries of {limit}");
        }
        return new HashTreeNode(block.Slice(start, limit * EntryBytes));
    }

    /// <summary>Entries a node has room for.</summary>
    public static int Limit(bool isRoot, in DirectoryLayout layout)
    {
        int start = isRoot ? RootEntriesOffset : InnerEntriesOffset;
        if (!isRoot && layout.HasStoredHash)
        {
            start += DirectoryRecordHeader.StoredHashBytes; // the kernel counts the fake record with its hash
        }
        return (layout.BlockSizeBytes - start - (layout.HasChecksums ? TailBytes : 0)) / EntryBytes;
    }

    /// <summary>First hash of an entry's subtree; the low bit says that its first names continue the entry
    /// before.</summary>
    public uint HashAt(int index) =>
        index == 0 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(_entries[(index * EntryBytes)..]);

    /// <summary>Block of the directory an entry leads to.</summary>
    public uint BlockAt(int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(_entries[((index * EntryBytes) + 4)..]) & MaximumBlock;

    /// <summary>The last entry whose hash is not above the given one.</summary>
    public int Find(uint hash)
    {
        int low = 1;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (HashAt(middle) > hash)
            {
                high = middle - 1;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low - 1;
    }

    [DoesNotReturn]
    private static void Throw(in DirectoryLayout layout, string what) =>
        Ext4CorruptException.Throw(Corruption.HashTreeNode, $"index of directory {layout.Directory}: {what}");
}

using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Changes nodes of a directory's index in place. What it is given was validated by
/// <see cref="HashTreeNode.Decode"/>. Docs: ext4/directory, "Hash Tree Directories".</summary>
internal static class HashTreeEditor
{
    /// <summary>Turns block 0 of a linear directory into a root over one leaf; its names were copied before.</summary>
    /// <param name="block">Begins with "." and "..".</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="version">How names are hashed.</param>
    /// <param name="leaf">Block of the directory with all names.</param>
    public static void InitializeRoot(Span<byte> block, in DirectoryLayout layout, HashVersion version, uint leaf)
    {
        int dot = DirectoryRecordHeader.LengthFor(1, hasStoredHash: false);
        Disk.At<DirectoryRecordHeader>(block, dot).RawLength =
            DirectoryRecordHeader.EncodeLength(layout.BlockSizeBytes - dot);
        block[HashTreeRoot.InfoOffset..].Clear();
        ref HashTreeRoot root = ref Disk.At<HashTreeRoot>(block, HashTreeRoot.InfoOffset);
        root.HashVersion = version;
        root.InfoLength = HashTreeRoot.InfoBytes;
        SetCounts(block, isRoot: true, layout, 1);
        SetBlock(Entries(block, isRoot: true), 0, leaf);
    }

    /// <summary>Adds an entry behind another. The node has room.</summary>
    public static void Insert(
        Span<byte> node, bool isRoot, in DirectoryLayout layout, int behind, uint hash, uint child)
    {
        Span<byte> entries = Entries(node, isRoot);
        int count = Count(entries);
        int at = (behind + 1) * HashTreeNode.EntryBytes;
        int end = count * HashTreeNode.EntryBytes;
        entries[at..end].CopyTo(entries[(at + HashTreeNode.EntryBytes)..]);
        BinaryPrimitives.WriteUInt32LittleEndian(entries[at..], hash);
        SetBlock(entries, behind + 1, child);
        SetCounts(node, isRoot, layout, count + 1);
    }

    /// <summary>Moves the upper half of a node's entries to an empty block.</summary>
    /// <param name="node">Not the root; full.</param>
    /// <param name="fresh">Zeroed; becomes a node.</param>
    /// <param name="layout">Of the directory.</param>
    /// <returns>First hash of the new node.</returns>
    public static uint Split(Span<byte> node, Span<byte> fresh, in DirectoryLayout layout)
    {
        Span<byte> entries = Entries(node, isRoot: false);
        int count = Count(entries);
        int kept = count / 2;
        int at = kept * HashTreeNode.EntryBytes;
        uint hash = BinaryPrimitives.ReadUInt32LittleEndian(entries[at..]);
        InitializeNode(fresh, layout);
        entries[at..(count * HashTreeNode.EntryBytes)].CopyTo(Entries(fresh, isRoot: false));
        SetCounts(fresh, isRoot: false, layout, count - kept);
        SetCounts(node, isRoot: false, layout, kept);
        return hash;
    }

    /// <summary>Moves all entries of a root to an empty block, which becomes its only child.</summary>
    /// <param name="root">Full.</param>
    /// <param name="fresh">Zeroed; becomes a node.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="freshBlock">Block of the directory that <paramref name="fresh"/> is.</param>
    public static void Grow(Span<byte> root, Span<byte> fresh, in DirectoryLayout layout, uint freshBlock)
    {
        Span<byte> entries = Entries(root, isRoot: true);
        int count = Count(entries);
        InitializeNode(fresh, layout);
        entries[..(count * HashTreeNode.EntryBytes)].CopyTo(Entries(fresh, isRoot: false));
        SetCounts(fresh, isRoot: false, layout, count);
        SetCounts(root, isRoot: true, layout, 1);
        SetBlock(entries, 0, freshBlock);
        Disk.At<HashTreeRoot>(root, HashTreeRoot.InfoOffset).IndirectLevels++;
    }

    /// <summary>Stores the checksum of a node.</summary>
    public static void Seal(Span<byte> node, bool isRoot, in DirectoryLayout layout, uint inodeSeed)
    {
        if (!layout.HasChecksums)
        {
            return;
        }
        int start = isRoot ? HashTreeNode.RootEntriesOffset : HashTreeNode.InnerEntriesOffset;
        int used = start + (Count(node[start..]) * HashTreeNode.EntryBytes);
        Span<byte> tail = node[(start + (HashTreeNode.Limit(isRoot, layout) * HashTreeNode.EntryBytes))..];
        BinaryPrimitives.WriteUInt32LittleEndian(
            tail[4..], Checksums.OfHashTreeNode(inodeSeed, node[..used], tail[..HashTreeNode.TailBytes]));
    }

    private static void InitializeNode(Span<byte> fresh, in DirectoryLayout layout) =>
        Disk.At<DirectoryRecordHeader>(fresh, 0).RawLength =
            DirectoryRecordHeader.EncodeLength(layout.BlockSizeBytes);

    private static Span<byte> Entries(Span<byte> node, bool isRoot) =>
        node[(isRoot ? HashTreeNode.RootEntriesOffset : HashTreeNode.InnerEntriesOffset)..];

    private static int Count(ReadOnlySpan<byte> entries) => BinaryPrimitives.ReadUInt16LittleEndian(entries[2..]);

    private static void SetCounts(Span<byte> node, bool isRoot, in DirectoryLayout layout, int count)
    {
        Span<byte> entries = Entries(node, isRoot);
        BinaryPrimitives.WriteUInt16LittleEndian(entries, (ushort)HashTreeNode.Limit(isRoot, layout));
        BinaryPrimitives.WriteUInt16LittleEndian(entries[2..], (ushort)count);
    }

    private static void SetBlock(Span<byte> entries, int index, uint block) =>
        BinaryPrimitives.WriteUInt32LittleEndian(entries[((index * HashTreeNode.EntryBytes) + 4)..], block);
}

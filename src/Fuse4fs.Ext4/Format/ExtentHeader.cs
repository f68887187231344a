using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Starts every node of an extent tree: the root in the inode, and whole blocks below it.</summary>
/// <remarks>12 bytes, little-endian. Kernel: struct ext4_extent_header. Docs: ext4/ifork, "Extent Tree".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ExtentHeader
{
    /// <summary>eh_magic.</summary>
    public const ushort ExpectedMagic = 0xF30A;

    /// <summary>Bytes of the header and of each entry behind it.</summary>
    public const int SizeBytes = 12;

    /// <summary>EXT4_MAX_EXTENT_DEPTH: enough for 2^32 blocks in any block size.</summary>
    public const int MaximumDepth = 5;

    public Le16 Magic;

    /// <summary>eh_entries: entries in use.</summary>
    public Le16 EntryCount;

    /// <summary>eh_max: entries that fit.</summary>
    public Le16 MaximumEntries;

    /// <summary>eh_depth: 0 for a leaf.</summary>
    public Le16 Depth;
    public Le32 Generation;

    /// <summary>Entries that fit into a node of so many bytes (a block's tail holds the checksum).</summary>
    public static int EntriesThatFit(int nodeBytes) => (nodeBytes - SizeBytes) / ExtentEntry.SizeBytes;
}

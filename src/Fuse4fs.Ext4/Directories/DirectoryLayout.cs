using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What must be known of a directory to read its records.</summary>
/// <param name="Directory">Its own number.</param>
/// <param name="BlockSizeBytes">Of the volume.</param>
/// <param name="InodeCount">Numbers above are damage.</param>
/// <param name="HasStoredHash">Records carry their hash: encrypted and casefolded at once.</param>
/// <param name="HasChecksums">metadata_csum: leaf blocks end in a tail of 12 bytes, index nodes in one of 8.</param>
internal readonly record struct DirectoryLayout(
    InodeNumber Directory, int BlockSizeBytes, uint InodeCount, bool HasStoredHash, bool HasChecksums)
{
    /// <summary>struct ext4_dir_entry_tail: looks like an unused record of this size.</summary>
    public const int LeafTailBytes = 12;

    /// <summary>Bytes of a leaf block that hold records.</summary>
    public int LeafBytes => BlockSizeBytes - (HasChecksums ? LeafTailBytes : 0);
}

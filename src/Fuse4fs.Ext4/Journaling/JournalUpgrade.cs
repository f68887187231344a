using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Gives a journal, while it is empty, the features that writing it needs.</summary>
/// <remarks>Fast commits are not among them: none are written, and a log that does not declare them may use their area
/// and is read by everybody. (e2fsck up to 1.47.0 does not find its way round the end of a log that does declare them,
/// and drops what was committed behind it.) Kernel: set_journal_csum_feature_set, jbd2_journal_set_features.</remarks>
internal static class JournalUpgrade
{
    private const JournalIncompatFeatures AnyChecksum =
        JournalIncompatFeatures.ChecksumV2 | JournalIncompatFeatures.ChecksumV3;

    /// <summary>Changes the superblock in memory.</summary>
    /// <param name="block">The journal superblock's block.</param>
    /// <param name="source">The journal as found.</param>
    /// <param name="volume">The file system it serves.</param>
    /// <returns>The journal's new shape.</returns>
    /// <exception cref="Ext4CorruptException">The journal is too short to be used.</exception>
    public static JournalGeometry Apply(byte[] block, JournalSource source, Geometry volume)
    {
        ref JournalSuperblock super = ref Disk.At<JournalSuperblock>(block.AsSpan(), 0);
        if (super.Header.Kind == JournalBlockKind.SuperblockV1)
        {
            // Version 1 ends before the features, and revoke records are one: what follows counts from now on.
            block.AsSpan(0x24, JournalSuperblock.SizeBytes - 0x24).Clear();
            super.Header.RawKind = (uint)JournalBlockKind.SuperblockV2;
            super.UserCount = 1;
        }
        JournalIncompatFeatures incompat = super.Incompat | JournalIncompatFeatures.Revoke;
        incompat &= ~(JournalIncompatFeatures.AsyncCommit | JournalIncompatFeatures.FastCommit);
        if (volume.Incompat.HasFlag(IncompatFeatures.Bits64))
        {
            incompat |= JournalIncompatFeatures.Bits64;
        }
        if (volume.HasMetadataChecksums && (incompat & AnyChecksum) == 0)
        {
            incompat |= JournalIncompatFeatures.ChecksumV3;
            super.RawCompat = (uint)(super.Compat & ~JournalCompatFeatures.Checksum);
        }
        if ((incompat & AnyChecksum) != 0)
        {
            super.ChecksumType = JournalSuperblock.ChecksumTypeCrc32C;
        }
        super.RawIncompat = (uint)incompat;
        super.StartBlock = 0;
        super.Checksum = JournalSuperblock.ComputeChecksum(block.AsSpan(0, JournalSuperblock.SizeBytes));
        JournalGeometry geometry = JournalGeometry.Decode(
            block, source.Log.BlockSizeBytes, source.Log.LengthBlocks, source.MinimumBlocks);
        if (geometry.FirstBlock + source.MinimumBlocks > geometry.LengthBlocks + 1)
        {
            Ext4CorruptException.Throw(Corruption.JournalSuperblock, "journal superblock: too few blocks");
        }
        return geometry;
    }
}

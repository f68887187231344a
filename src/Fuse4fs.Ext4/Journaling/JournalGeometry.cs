using System.Runtime.CompilerServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Immutable facts of one journal, decoded and validated once from its superblock.</summary>
internal sealed class JournalGeometry
{
    /// <summary>JBD2_MIN_JOURNAL_BLOCKS: no shorter log is used.</summary>
    public const uint MinimumLogBlocks = 1024;

    /// <summary>JBD2_DEFAULT_FAST_COMMIT_BLOCKS: what s_num_fc_blks 0 means.</summary>
    public const uint DefaultFastCommitBlocks = 256;

    private const int UuidBytes = 16;
    private const int ChecksumTailBytes = 4;
    private const int RevokeHeaderBytes = JournalBlockHeader.SizeBytes + sizeof(uint);

    private JournalGeometry(in JournalSuperblock super, int blockSizeBytes)
    {
        BlockSizeBytes = blockSizeBytes;
        bool hasFeatures = super.Header.Kind == JournalBlockKind.SuperblockV2;
        Compat = hasFeatures ? super.Compat : JournalCompatFeatures.None;
        Incompat = hasFeatures ? super.Incompat : JournalIncompatFeatures.None;
        FirstBlock = super.FirstBlock;
        LengthBlocks = super.LengthBlocks;
        FastCommitBlocks = super.FastCommitBlocks == 0 ? DefaultFastCommitBlocks : super.FastCommitBlocks;
        EndBlock = HasFastCommits ? LengthBlocks - FastCommitBlocks : LengthBlocks;
        Span<byte> uuid = stackalloc byte[UuidBytes];
        ((ReadOnlySpan<byte>)super.Uuid).CopyTo(uuid);
        ChecksumSeed = Crc32C.Append(Crc32C.Start, uuid);
        TagBytes = HasChecksumV3 ? 16 : 8 + (Has64Bit ? 4 : 0) + (HasChecksumV2 ? 2 : 0);
        int tail = HasBlockChecksums ? ChecksumTailBytes : 0;
        PayloadEnd = blockSizeBytes - tail;
        TagsPerDescriptor = (PayloadEnd - JournalBlockHeader.SizeBytes - UuidBytes) / TagBytes;
        RevokesPerBlock = (PayloadEnd - RevokeHeaderBytes) / RevokeBytes;
    }

    public int BlockSizeBytes { get; }

    public JournalCompatFeatures Compat { get; }

    public JournalIncompatFeatures Incompat { get; }

    /// <summary>First log block of transactions.</summary>
    public uint FirstBlock { get; }

    /// <summary>Behind the last log block of transactions: here the log wraps to <see cref="FirstBlock"/>.</summary>
    public uint EndBlock { get; }

    /// <summary>Blocks of the whole journal.</summary>
    public uint LengthBlocks { get; }

    /// <summary>Blocks of the fast-commit area, if there is one. The kernel leaves its first block unused.</summary>
    public uint FastCommitBlocks { get; }

    /// <summary>First log block of fast commits (j_fc_first).</summary>
    public uint FirstFastCommitBlock => EndBlock + 1;

    /// <summary>Start value of the checksums of versions 2 and 3.</summary>
    public uint ChecksumSeed { get; }

    /// <summary>Bytes of a block tag without a UUID. Kernel: journal_tag_bytes.</summary>
    public int TagBytes { get; }

    /// <summary>Bytes of a block number in a revoke block.</summary>
    public int RevokeBytes => Has64Bit ? 8 : 4;

    /// <summary>Where tags and revoke records end in their block.</summary>
    public int PayloadEnd { get; }

    /// <summary>Tags that fit into a descriptor block whose first tag carries a UUID.</summary>
    public int TagsPerDescriptor { get; }

    /// <summary>Records that fit into a revoke block.</summary>
    public int RevokesPerBlock { get; }

    /// <summary>Log blocks that transactions share.</summary>
    public uint LogBlocks => EndBlock - FirstBlock;

    public bool Has64Bit => (Incompat & JournalIncompatFeatures.Bits64) != 0;

    public bool HasFastCommits => (Incompat & JournalIncompatFeatures.FastCommit) != 0;

    public bool HasAsyncCommit => (Incompat & JournalIncompatFeatures.AsyncCommit) != 0;

    public bool HasChecksumV1 => (Compat & JournalCompatFeatures.Checksum) != 0;

    public bool HasChecksumV2 => (Incompat & JournalIncompatFeatures.ChecksumV2) != 0;

    public bool HasChecksumV3 => (Incompat & JournalIncompatFeatures.ChecksumV3) != 0;

    /// <summary>Versions 2 and 3: every block of the log is covered.</summary>
    public bool HasBlockChecksums => HasChecksumV2 || HasChecksumV3;

    /// <summary>Decodes and validates a journal superblock.</summary>
    /// <param name="block">The superblock's block.</param>
    /// <param name="fileSystemBlockBytes">The file system's block size, which the journal must share.</param>
    /// <param name="availableBlocks">Blocks that the journal's file or device really has.</param>
    /// <param name="minimumBlocks">Shorter journals are refused.</param>
    /// <exception cref="Ext4CorruptException">A field contradicts another or the checksum is wrong.</exception>
    /// <exception cref="NotSupportedException">A feature is unknown.</exception>
    /// <remarks>Kernel: journal_check_superblock.</remarks>
    public static JournalGeometry Decode(
        Span<byte> block, int fileSystemBlockBytes, uint availableBlocks, uint minimumBlocks = MinimumLogBlocks)
    {
        ref JournalSuperblock super = ref Disk.At<JournalSuperblock>(block, 0);
        Require(super.Header.HasMagic, "magic number");
        Require(super.Header.Kind is JournalBlockKind.SuperblockV1 or JournalBlockKind.SuperblockV2, "type");
        Require(super.BlockSizeBytes == (uint)fileSystemBlockBytes, "block size");
        if (super.Header.Kind == JournalBlockKind.SuperblockV2)
        {
            CheckFeatures(in super, block);
        }
        Require(super.LengthBlocks <= availableBlocks, "length");
        Require(super.LengthBlocks >= minimumBlocks, "length");
        uint fastCommit = super.FastCommitBlocks == 0 ? DefaultFastCommitBlocks : super.FastCommitBlocks;
        bool hasFastCommit = super.Header.Kind == JournalBlockKind.SuperblockV2 &&
            (super.Incompat & JournalIncompatFeatures.FastCommit) != 0;
        Require(!hasFastCommit || super.LengthBlocks - minimumBlocks >= fastCommit, "fast-commit area");
        var geometry = new JournalGeometry(in super, fileSystemBlockBytes);
        Require(geometry.FirstBlock > 0 && geometry.FirstBlock < geometry.EndBlock - 3, "first block");
        Require(super.StartBlock == 0 ||
            (super.StartBlock >= geometry.FirstBlock && super.StartBlock < geometry.EndBlock), "start of the log");
        return geometry;
    }

    /// <summary>The log block behind this one, wrapping at the end.</summary>
    public uint Next(uint logBlock) => Advance(logBlock, 1);

    /// <summary>The log block a distance behind this one, wrapping at the end.</summary>
    /// <param name="logBlock">Within the log.</param>
    /// <param name="count">Less than <see cref="LogBlocks"/>.</param>
    public uint Advance(uint logBlock, uint count)
    {
        ulong next = (ulong)logBlock + count;
        return (uint)(next >= EndBlock ? next - LogBlocks : next);
    }

    /// <summary>Blocks from one log position forward to another.</summary>
    public uint Distance(uint from, uint to) => to >= from ? to - from : to + LogBlocks - from;

    /// <summary>Checksum of one of the journal's own blocks, its field taken as zero.</summary>
    /// <param name="block">A whole block.</param>
    /// <param name="fieldOffset">Where the 4-byte checksum stands.</param>
    public uint BlockChecksum(ReadOnlySpan<byte> block, int fieldOffset)
    {
        uint crc = Crc32C.Append(ChecksumSeed, block[..fieldOffset]);
        crc = Crc32C.Append(crc, 0u);
        return Crc32C.Append(crc, block[(fieldOffset + ChecksumTailBytes)..]);
    }

    /// <summary>Checksum of a logged block as a tag of version 3 holds it; version 2 keeps the low half.</summary>
    /// <param name="block">As it stands in the log, escaped.</param>
    /// <param name="sequence">Its transaction.</param>
    public uint DataChecksum(ReadOnlySpan<byte> block, uint sequence)
    {
        Be32 bigEndian = sequence;
        uint crc = Crc32C.Append(ChecksumSeed, System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            new ReadOnlySpan<Be32>(ref bigEndian)));
        return Crc32C.Append(crc, block);
    }

    /// <summary>True when a logged block is what its tag says, or the log has no checksum of blocks.</summary>
    public bool Matches(in BlockTag tag, ReadOnlySpan<byte> block, uint sequence)
    {
        if (!HasBlockChecksums)
        {
            return true;
        }
        uint found = DataChecksum(block, sequence);
        return tag.Checksum == (HasChecksumV3 ? found : found & 0xFFFF);
    }

    /// <summary>True when the descriptor or revoke block's tail holds its checksum, or the log has none.</summary>
    public bool HasValidTail(ReadOnlySpan<byte> block) =>
        !HasBlockChecksums || Unsafe.As<byte, Be32>(ref Unsafe.AsRef(in block[PayloadEnd])) ==
            BlockChecksum(block, PayloadEnd);

    private static void CheckFeatures(in JournalSuperblock super, ReadOnlySpan<byte> block)
    {
        if ((super.Incompat & ~JournalIncompatFeatures.Known) != 0 || super.RawRoCompat != 0)
        {
            throw new NotSupportedException(
                $"the journal has unknown features (incompat {(uint)super.RawIncompat:x})");
        }
        bool v2 = (super.Incompat & JournalIncompatFeatures.ChecksumV2) != 0;
        bool v3 = (super.Incompat & JournalIncompatFeatures.ChecksumV3) != 0;
        Require(!(v2 && v3), "checksum features");
        Require(!(v2 || v3) || (super.Compat & JournalCompatFeatures.Checksum) == 0, "checksum features");
        if (v2 || v3)
        {
            Require(super.ChecksumType == JournalSuperblock.ChecksumTypeCrc32C, "checksum type");
            Require(super.Checksum == JournalSuperblock.ComputeChecksum(block[..JournalSuperblock.SizeBytes]),
                "checksum");
        }
    }

    private static void Require(bool condition, string field)
    {
        if (!condition)
        {
            Ext4CorruptException.Throw(Corruption.JournalSuperblock, $"journal superblock: {field}");
        }
    }
}

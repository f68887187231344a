using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>First block of the log: its shape, and where replay starts.</summary>
/// <remarks>1024 bytes, big-endian. Kernel: struct journal_superblock_s. Docs: ext4/journal, "Super Block".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct JournalSuperblock
{
    /// <summary>Bytes of this structure; the rest of its block is unused.</summary>
    public const int SizeBytes = 1024;

    /// <summary>s_checksum_type of CRC32C, the only one in use.</summary>
    public const byte ChecksumTypeCrc32C = 4;

    private const int ChecksumOffset = 0xFC;

    public JournalBlockHeader Header;

    /// <summary>s_blocksize: bytes, the file system's.</summary>
    public Be32 BlockSizeBytes;

    /// <summary>s_maxlen: blocks of the journal, this one and the fast-commit area included.</summary>
    public Be32 LengthBlocks;

    /// <summary>s_first: first block that transactions may use.</summary>
    public Be32 FirstBlock;

    /// <summary>s_sequence: transaction expected at <see cref="StartBlock"/>.</summary>
    public Be32 Sequence;

    /// <summary>s_start: where replay starts; 0 when there is nothing to replay.</summary>
    public Be32 StartBlock;

    /// <summary>s_errno: a negative errno left by an aborted journal, or 0.</summary>
    public Be32 RawError;

    public Be32 RawCompat;
    public Be32 RawIncompat;
    public Be32 RawRoCompat;

    /// <summary>s_uuid: seed of checksums v2 and v3.</summary>
    public Bytes16 Uuid;

    /// <summary>s_nr_users: file systems sharing an external journal.</summary>
    public Be32 UserCount;

    private Be32 _dynamicSuper;
    private Be32 _maxTransaction;
    private Be32 _maxTransactionData;

    /// <summary>s_checksum_type.</summary>
    public byte ChecksumType;

    private byte _padding0;
    private byte _padding1;
    private byte _padding2;

    /// <summary>s_num_fc_blks: blocks of the fast-commit area at the end; 0 means 256.</summary>
    public Be32 FastCommitBlocks;

    /// <summary>s_head: first unused block; meaningful only while the log is empty.</summary>
    public Be32 HeadBlock;

    private Bytes160 _padding;

    /// <summary>s_checksum: CRC32C of these 1024 bytes with this field zero.</summary>
    public Be32 Checksum;

    private Bytes768 _users;

    public readonly JournalCompatFeatures Compat => (JournalCompatFeatures)(uint)RawCompat;

    public readonly JournalIncompatFeatures Incompat => (JournalIncompatFeatures)(uint)RawIncompat;

    /// <summary>What <see cref="Checksum"/> should be for these bytes.</summary>
    /// <param name="superblock">1024 bytes.</param>
    public static uint ComputeChecksum(ReadOnlySpan<byte> superblock)
    {
        uint crc = Crc32C.Append(Crc32C.Start, superblock[..ChecksumOffset]);
        crc = Crc32C.Append(crc, 0u);
        return Crc32C.Append(crc, superblock[(ChecksumOffset + sizeof(uint))..SizeBytes]);
    }

    /// <summary>16 raw bytes.</summary>
    [InlineArray(16)]
    internal struct Bytes16
    {
        private byte _first;
    }

    /// <summary>160 raw bytes.</summary>
    [InlineArray(160)]
    private struct Bytes160
    {
        private byte _first;
    }

    /// <summary>768 raw bytes.</summary>
    [InlineArray(768)]
    private struct Bytes768
    {
        private byte _first;
    }
}

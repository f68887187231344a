using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Ends a transaction: when it is on disk, the transaction is.</summary>
/// <remarks>60 bytes, big-endian, in a block of its own. Kernel: struct commit_header.
/// Docs: ext4/journal, "Commit Block".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct CommitBlock
{
    /// <summary>h_chksum_type of checksum version 1 (JBD2_CRC32_CHKSUM).</summary>
    public const byte ChecksumTypeCrc32 = 1;

    /// <summary>Bytes of this structure.</summary>
    public const int SizeBytes = 60;

    /// <summary>Where <see cref="Checksum"/> stands.</summary>
    public const int ChecksumOffset = 16;

    public JournalBlockHeader Header;

    /// <summary>h_chksum_type: version 1 only.</summary>
    public byte ChecksumType;

    /// <summary>h_chksum_size: version 1 only.</summary>
    public byte ChecksumSizeBytes;

    private Be16 _padding;

    /// <summary>h_chksum[0]: of the transaction (version 1) or of this block (versions 2 and 3).</summary>
    public Be32 Checksum;

    private Words7 _otherChecksums;

    /// <summary>h_commit_sec: seconds since 1970.</summary>
    public Be64 CommitSeconds;

    /// <summary>h_commit_nsec.</summary>
    public Be32 CommitNanoseconds;

    /// <summary>The unused rest of the checksum field.</summary>
    [InlineArray(7)]
    private struct Words7
    {
        private Be32 _first;
    }
}

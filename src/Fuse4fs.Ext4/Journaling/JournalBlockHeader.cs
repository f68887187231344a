using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Starts every block that the journal itself writes.</summary>
/// <remarks>12 bytes, big-endian. Kernel: struct journal_header_s. Docs: ext4/journal, "Block Header".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct JournalBlockHeader
{
    /// <summary>JBD2_MAGIC_NUMBER.</summary>
    public const uint ExpectedMagic = 0xC03B3998;

    /// <summary>Bytes of this structure.</summary>
    public const int SizeBytes = 12;

    /// <summary>h_magic.</summary>
    public Be32 Magic;

    /// <summary>h_blocktype.</summary>
    public Be32 RawKind;

    /// <summary>h_sequence: the transaction this block belongs to.</summary>
    public Be32 Sequence;

    public readonly JournalBlockKind Kind => (JournalBlockKind)(uint)RawKind;

    public readonly bool HasMagic => Magic == ExpectedMagic;

    /// <summary>The header of one of the journal's own blocks.</summary>
    public static JournalBlockHeader For(JournalBlockKind kind, uint sequence) =>
        new() { Magic = ExpectedMagic, RawKind = (uint)kind, Sequence = sequence };
}

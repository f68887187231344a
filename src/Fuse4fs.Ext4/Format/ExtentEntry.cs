using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Leaf entry of an extent tree: maps a run of file blocks to device blocks.</summary>
/// <remarks>12 bytes, little-endian. Kernel: struct ext4_extent. Docs: ext4/ifork, "Extent Tree".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ExtentEntry
{
    /// <summary>Bytes of an entry.</summary>
    public const int SizeBytes = 12;

    /// <summary>EXT_INIT_MAX_LEN: longest written run.</summary>
    public const int MaximumWrittenLength = 1 << 15;

    /// <summary>EXT_UNWRITTEN_MAX_LEN: longest unwritten run.</summary>
    public const int MaximumUnwrittenLength = MaximumWrittenLength - 1;

    /// <summary>ee_block: first file block covered.</summary>
    public Le32 FirstFileBlock;

    /// <summary>ee_len: up to 32768 written blocks; above that, 32768 + length of an unwritten run.</summary>
    public Le16 RawLength;

    /// <summary>ee_start_hi: bits 32 to 47 of the device block.</summary>
    public Le16 StartHigh;

    /// <summary>ee_start_lo: bits 0 to 31.</summary>
    public Le32 StartLow;

    /// <summary>First device block.</summary>
    public FsBlock Start
    {
        readonly get => new(((ulong)StartHigh << 32) | StartLow);
        set
        {
            StartLow = (uint)(value.Value & uint.MaxValue);
            StartHigh = checked((ushort)(value.Value >> 32));
        }
    }

    /// <summary>Allocated, but reads as zeros.</summary>
    public readonly bool IsUnwritten => RawLength > MaximumWrittenLength;

    /// <summary>Blocks covered.</summary>
    public readonly uint LengthBlocks => IsUnwritten ? RawLength - (uint)MaximumWrittenLength : RawLength;

    /// <summary>Sets length and state together, as they share a field.</summary>
    public void SetLength(uint lengthBlocks, bool isUnwritten) =>
        RawLength = checked((ushort)(isUnwritten ? lengthBlocks + MaximumWrittenLength : lengthBlocks));
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>The multiple mount protection block: whoever uses the volume changes its number all the time. 1024 bytes at
/// the start of a block of the volume, little-endian.</summary>
/// <remarks>Kernel: struct mmp_struct. Docs: ext4/mmp.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct MmpBlock
{
    /// <summary>mmp_magic.</summary>
    public const uint ExpectedMagic = 0x004D4D50;

    /// <summary>mmp_seq of a volume nobody uses.</summary>
    public const uint Clean = 0xFF4D4D50;

    /// <summary>mmp_seq while e2fsck works on the volume.</summary>
    public const uint BeingChecked = 0xE24D4D50;

    /// <summary>mmp_seq counts up to this.</summary>
    public const uint MaximumSequence = 0xE24D4D4F;

    /// <summary>Where mmp_checksum is; it covers everything before.</summary>
    public const int ChecksumOffset = 0x3FC;

    public Le32 Magic;
    public Le32 Sequence;

    /// <summary>mmp_time: seconds; for people.</summary>
    public Le64 Time;

    /// <summary>mmp_nodename: which machine; for people.</summary>
    public Bytes64 NodeName;

    /// <summary>mmp_bdevname: for people.</summary>
    public Bytes32 DeviceName;

    /// <summary>mmp_check_interval: seconds after which somebody else may look whether the number changed.</summary>
    public Le16 CheckSeconds;
}

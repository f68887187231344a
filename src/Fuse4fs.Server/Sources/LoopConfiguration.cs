using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Sources;

/// <summary>struct loop_config with its struct loop_info64, as far as we fill them. Source: linux/loop.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = 304)]
internal unsafe struct LoopConfiguration
{
    /// <summary>LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR, LO_FLAGS_DIRECT_IO.</summary>
    public const uint ReadOnly = 1, AutoClear = 4, DirectIo = 16;

    /// <summary>Bytes of the name, the terminating zero included.</summary>
    public const int NameBytes = 64;

    /// <summary>The file to attach.</summary>
    [FieldOffset(0)]
    public int Descriptor;

    /// <summary>Bytes of a logical sector; 0 leaves the choice to the kernel.</summary>
    [FieldOffset(4)]
    public uint SectorBytes;

    /// <summary>Where the device starts in the file.</summary>
    [FieldOffset(32)]
    public ulong OffsetBytes;

    /// <summary>Bytes of the device; 0: all there are.</summary>
    [FieldOffset(40)]
    public ulong SizeLimitBytes;

    [FieldOffset(60)]
    public uint Flags;

    /// <summary>Shown by losetup.</summary>
    [FieldOffset(64)]
    public fixed byte Name[NameBytes];
}

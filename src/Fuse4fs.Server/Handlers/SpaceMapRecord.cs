using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Handlers;

/// <summary>struct fsmap: a part of a device and its owner, or the bound of a query. 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SpaceMapRecord
{
    /// <summary>Which device: 0 is the volume's, 1 its external journal's.</summary>
    public uint Device;
    public uint Flags;

    /// <summary>Bytes from the device's start.</summary>
    public ulong Physical;
    public ulong Owner;

    /// <summary>Offset in the owner's file; 0.</summary>
    public ulong Offset;

    /// <summary>Bytes.</summary>
    public ulong Length;
    public Words3 Reserved;

    /// <summary>Must be zero.</summary>
    [InlineArray(3)]
    public struct Words3
    {
        private ulong _first;
    }

    public readonly bool HasReserved => Reserved[0] != 0 || Reserved[1] != 0 || Reserved[2] != 0;
}

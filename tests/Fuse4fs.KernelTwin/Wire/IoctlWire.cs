using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Arguments of the ioctls on /dev/fuse.</summary>
public static class IoctlWire
{
    /// <summary>struct fuse_backing_map, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BackingMap
    {
        public int Descriptor;
        public uint Flags;
        public ulong Padding;
    }

    /// <summary>struct fuse_iomap_support, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Support
    {
        public ulong Flags;
        public ulong Padding;
    }

    /// <summary>struct fuse_iomap_backing_info, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BackingInfo
    {
        public uint BackingId;
        public uint BlockSize;
    }

    /// <summary>struct fuse_iomap_backing_stripe, 16 bytes; then its strips.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Stripe
    {
        public ushort Strips;
        public SixBytes Reserved;
        public ulong StripWidth;
    }

    /// <summary>Reserved bytes.</summary>
    [InlineArray(6)]
    public struct SixBytes
    {
        private byte _first;
    }

    /// <summary>struct fuse_iomap_backing_strip, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Strip
    {
        public uint Device;
        public uint Reserved;
        public ulong Address;
    }
}

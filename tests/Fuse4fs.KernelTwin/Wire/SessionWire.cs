using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Beginning and end of a connection, freezing, forgetting.</summary>
public static class SessionWire
{
    /// <summary>struct fuse_init_in, 64 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct InitIn
    {
        public uint Major;
        public uint Minor;
        public uint MaxReadahead;
        public uint Flags;
        public uint Flags2;
        public ElevenWords Unused;
    }

    /// <summary>Unused words.</summary>
    [InlineArray(11)]
    public struct ElevenWords
    {
        private uint _first;
    }

    /// <summary>Unused half words.</summary>
    [InlineArray(11)]
    public struct ElevenHalfWords
    {
        private ushort _first;
    }

    /// <summary>struct fuse_init_out, 64 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct InitOut
    {
        public uint Major;
        public uint Minor;
        public uint MaxReadahead;
        public uint Flags;
        public ushort MaxBackground;
        public ushort CongestionThreshold;
        public uint MaxWrite;
        public uint TimeGranularity;
        public ushort MaxPages;
        public ushort MapAlignment;
        public uint Flags2;
        public uint MaxStackDepth;
        public ushort RequestTimeout;
        public ElevenHalfWords Unused;
    }

    /// <summary>struct fuse_iomap_config_in, 64 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct ConfigIn
    {
        public ulong Flags;
        public long MaxBytes;
        public uint CacheMaxBytes;
        public uint Zero;
        public FiveWords Padding;
    }

    /// <summary>Unused words.</summary>
    [InlineArray(5)]
    public struct FiveWords
    {
        private ulong _first;
    }

    /// <summary>Name of the file system, or part of one.</summary>
    [InlineArray(32)]
    public struct NameBytes
    {
        private byte _first;
    }

    /// <summary>A universally unique identifier.</summary>
    [InlineArray(16)]
    public struct UuidBytes
    {
        private byte _first;
    }

    /// <summary>Padding that must be zero.</summary>
    [InlineArray(3)]
    public struct ThreeBytes
    {
        private byte _first;
    }

    /// <summary>struct fuse_iomap_config_out, 104 bytes with the tail's padding.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct ConfigOut
    {
        public ulong Flags;
        public NameBytes Name;
        public UuidBytes Uuid;
        public byte UuidLength;
        public ThreeBytes Padding;
        public uint BlockSize;
        public uint MaxLinks;
        public uint TimeGranularity;
        public long TimeMin;
        public long TimeMax;
        public long MaxBytes;
        public uint CacheMaxBytes;
        public uint Tail;
    }

    /// <summary>One 64-bit word: SYNCFS (padding), FREEZE_FS (unlinked), SHUTDOWN_FS (flags), FORGET (nlookup),
    /// INTERRUPT (unique). 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Word
    {
        public ulong Value;
    }

    /// <summary>struct fuse_batch_forget_in, 8 bytes; then Count times ForgetOne.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BatchForgetIn
    {
        public uint Count;
        public uint Dummy;
    }

    /// <summary>struct fuse_forget_one, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct ForgetOne
    {
        public ulong NodeId;
        public ulong Lookups;
    }
}

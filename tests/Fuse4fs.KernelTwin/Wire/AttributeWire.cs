using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Attributes: LOOKUP, GETATTR, SETATTR, STATX.</summary>
public static class AttributeWire
{
    /// <summary>struct fuse_attr, 88 bytes. Blocks counts 512 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Attr
    {
        public ulong Ino;
        public ulong Size;
        public ulong Blocks;
        public ulong Atime;
        public ulong Mtime;
        public ulong Ctime;
        public uint AtimeNanoseconds;
        public uint MtimeNanoseconds;
        public uint CtimeNanoseconds;
        public uint Mode;
        public uint Nlink;
        public uint Uid;
        public uint Gid;
        public uint Rdev;
        public uint BlockSize;
        public uint Flags;
    }

    /// <summary>struct fuse_entry_out, 128 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct EntryOut
    {
        public ulong NodeId;
        public ulong Generation;
        public ulong EntryValid;
        public ulong AttrValid;
        public uint EntryValidNanoseconds;
        public uint AttrValidNanoseconds;
        public Attr Attr;
    }

    /// <summary>struct fuse_attr_out, 104 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct AttrOut
    {
        public ulong AttrValid;
        public uint AttrValidNanoseconds;
        public uint Dummy;
        public Attr Attr;
    }

    /// <summary>struct fuse_getattr_in, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct GetattrIn
    {
        public uint Flags;
        public uint Dummy;
        public ulong Handle;
    }

    /// <summary>struct fuse_setattr_in, 88 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct SetattrIn
    {
        public uint Valid;
        public uint Padding;
        public ulong Handle;
        public ulong Size;
        public ulong LockOwner;
        public ulong Atime;
        public ulong Mtime;
        public ulong Ctime;
        public uint AtimeNanoseconds;
        public uint MtimeNanoseconds;
        public uint CtimeNanoseconds;
        public uint Mode;
        public uint Unused4;
        public uint Uid;
        public uint Gid;
        public uint Unused5;
    }

    /// <summary>struct fuse_statx_in, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct StatxIn
    {
        public uint GetattrFlags;
        public uint Reserved;
        public ulong Handle;
        public uint Flags;
        public uint Mask;
    }

    /// <summary>struct fuse_sx_time, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct StatxTime
    {
        public long Seconds;
        public uint Nanoseconds;
        public int Reserved;
    }

    /// <summary>struct fuse_statx, 256 bytes; from offset 144 on as the iomap patches have it.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Nlink;
        public uint Uid;
        public uint Gid;
        public ushort Mode;
        public ushort Spare0;
        public ulong Ino;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTime Atime;
        public StatxTime Btime;
        public StatxTime Ctime;
        public StatxTime Mtime;
        public uint RdevMajor;
        public uint RdevMinor;
        public uint DevMajor;
        public uint DevMinor;
        public ulong MountId;
        public uint DioMemoryAlign;
        public uint DioOffsetAlign;
        public ulong Subvolume;
        public uint AtomicWriteUnitMin;
        public uint AtomicWriteUnitMax;
        public uint AtomicWriteSegmentsMax;
        public uint DioReadOffsetAlign;
        public uint AtomicWriteUnitMaxOptimal;
        public uint Spare1;
        public SpareWords Spare2;
    }

    /// <summary>Eight unused words.</summary>
    [InlineArray(8)]
    public struct SpareWords
    {
        private ulong _first;
    }

    /// <summary>struct fuse_statx_out, 288 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct StatxOut
    {
        public ulong AttrValid;
        public uint AttrValidNanoseconds;
        public uint Flags;
        public ulong Spare0;
        public ulong Spare1;
        public Statx Stat;
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>The iomap requests and notifications.</summary>
public static class IomapWire
{
    /// <summary>struct fuse_iomap_io, 32 bytes: a file range on a device. All positions in bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Record
    {
        public ulong Offset;
        public ulong Length;
        public ulong Address;
        public ushort Type;
        public ushort Flags;
        public uint Device;
    }

    /// <summary>struct fuse_iomap_begin_in, 32 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BeginIn
    {
        public uint OperationFlags;
        public uint Reserved;
        public ulong AttrIno;
        public ulong Position;
        public ulong Count;
    }

    /// <summary>struct fuse_iomap_begin_out, 64 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BeginOut
    {
        public Record Read;
        public Record Write;
    }

    /// <summary>struct fuse_iomap_end_in, 72 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct EndIn
    {
        public uint OperationFlags;
        public uint Reserved;
        public ulong AttrIno;
        public ulong Position;
        public ulong Count;
        public long Written;
        public Record Map;
    }

    /// <summary>struct fuse_iomap_ioend_in, 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct IoendIn
    {
        public uint Flags;
        public int Error;
        public ulong AttrIno;
        public ulong Position;
        public ulong NewAddress;
        public ulong Written;
        public uint Device;
        public uint Padding;
    }

    /// <summary>struct fuse_iomap_ioend_out, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct IoendOut
    {
        public ulong NewSize;
    }

    /// <summary>struct fuse_iomap_upsert_mappings_out, 80 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Upsert
    {
        public ulong NodeId;
        public ulong AttrIno;
        public Record Read;
        public Record Write;
    }

    /// <summary>struct fuse_iomap_inval_mappings_out, 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct Invalidate
    {
        public ulong NodeId;
        public ulong AttrIno;
        public ulong ReadOffset;
        public ulong ReadLength;
        public ulong WriteOffset;
        public ulong WriteLength;
    }

    /// <summary>struct fuse_iomap_backing_inval_out, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct BackingInvalidate
    {
        public uint Device;
        public uint Reserved;
        public ulong Offset;
        public ulong Length;
    }

    /// <summary>struct fuse_notify_inval_inode_out, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct InvalInode
    {
        public ulong NodeId;
        public long Offset;
        public long Length;
    }

    /// <summary>struct fuse_notify_inval_entry_out, 16 bytes; then the name.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct InvalEntry
    {
        public ulong Parent;
        public uint NameLength;
        public uint Flags;
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_iomap_upsert_mappings_out: 80 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct NotifyUpsertMappings
{
    /// <summary>nodeid.</summary>
    public ulong NodeId;

    /// <summary>attr_ino.</summary>
    public ulong Inode;

    /// <summary>read.</summary>
    public IomapRecord Read;

    /// <summary>write.</summary>
    public IomapRecord Write;
}

/// <summary>struct fuse_iomap_inval_mappings_out: 48 bytes. A length of 0 is nothing, all bits set up to the end.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct NotifyInvalidateMappings
{
    /// <summary>FUSE_IOMAP_INVAL_TO_EOF.</summary>
    public const ulong ToEnd = ulong.MaxValue;

    /// <summary>nodeid.</summary>
    public ulong NodeId;

    /// <summary>attr_ino.</summary>
    public ulong Inode;

    /// <summary>read.offset, bytes.</summary>
    public ulong ReadOffset;

    /// <summary>read.length, bytes.</summary>
    public ulong ReadLength;

    /// <summary>write.offset, bytes.</summary>
    public ulong WriteOffset;

    /// <summary>write.length, bytes.</summary>
    public ulong WriteLength;
}

/// <summary>struct fuse_iomap_backing_inval_out: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct NotifyInvalidateBacking
{
    /// <summary>dev.</summary>
    public uint Device;

    /// <summary>reserved.</summary>
    public uint Reserved;

    /// <summary>offset, bytes.</summary>
    public ulong Offset;

    /// <summary>length, bytes.</summary>
    public ulong Length;
}

/// <summary>struct fuse_iomap_support: 16 bytes, filled in by the kernel.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapSupport
{
    /// <summary>In <see cref="Flags"/>: data of files, and atomic writes.</summary>
    public const ulong FileIo = 1, AtomicWrites = 2;

    /// <summary>flags.</summary>
    public ulong Flags;

    /// <summary>padding.</summary>
    public ulong Padding;
}

/// <summary>struct fuse_backing_map: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct BackingMap
{
    /// <summary>In <see cref="Flags"/>: a block device for mappings.</summary>
    public const uint ForIomap = 1;

    /// <summary>fd.</summary>
    public int Descriptor;

    /// <summary>flags.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public ulong Padding;
}

/// <summary>struct fuse_iomap_backing_info: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct BackingInfo
{
    /// <summary>backing_id.</summary>
    public uint Device;

    /// <summary>blocksize, bytes.</summary>
    public uint BlockSize;
}

/// <summary>struct fuse_iomap_backing_stripe: 16 bytes, then the members.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct BackingStripe
{
    /// <summary>nr_strips.</summary>
    public ushort Members;

    /// <summary>reserved[0..1].</summary>
    public ushort Reserved0;

    /// <summary>reserved[2..5].</summary>
    public uint Reserved1;

    /// <summary>strip_width, bytes.</summary>
    public ulong Width;
}

/// <summary>struct fuse_iomap_backing_strip: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct BackingStrip
{
    /// <summary>dev.</summary>
    public uint Device;

    /// <summary>reserved.</summary>
    public uint Reserved;

    /// <summary>addr, bytes.</summary>
    public ulong Address;
}

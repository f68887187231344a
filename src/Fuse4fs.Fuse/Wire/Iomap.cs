using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_iomap_io: 32 bytes, one mapping.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapRecord
{
    /// <summary>offset, bytes in the file.</summary>
    public ulong Offset;

    /// <summary>length, bytes.</summary>
    public ulong Length;

    /// <summary>addr, bytes on the device; all bits set: none.</summary>
    public ulong Address;

    /// <summary>type, in the numbers of the revision.</summary>
    public ushort Type;

    /// <summary>flags.</summary>
    public ushort Flags;

    /// <summary>dev: number of the device, 0: none.</summary>
    public uint Device;
}

/// <summary>struct fuse_iomap_begin_in: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapBeginIn
{
    /// <summary>opflags, in the numbers of the revision.</summary>
    public uint Operation;

    /// <summary>reserved.</summary>
    public uint Reserved;

    /// <summary>attr_ino.</summary>
    public ulong Inode;

    /// <summary>pos, bytes.</summary>
    public ulong Position;

    /// <summary>count, bytes.</summary>
    public ulong Count;
}

/// <summary>struct fuse_iomap_begin_out: 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapBeginOut
{
    /// <summary>read.</summary>
    public IomapRecord Read;

    /// <summary>write.</summary>
    public IomapRecord Write;
}

/// <summary>struct fuse_iomap_end_in: 72 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapEndIn
{
    /// <summary>opflags.</summary>
    public uint Operation;

    /// <summary>reserved.</summary>
    public uint Reserved;

    /// <summary>attr_ino.</summary>
    public ulong Inode;

    /// <summary>pos, bytes.</summary>
    public ulong Position;

    /// <summary>count, bytes.</summary>
    public ulong Count;

    /// <summary>written, bytes.</summary>
    public long Written;

    /// <summary>map: the mapping as the kernel used it.</summary>
    public IomapRecord Map;
}

/// <summary>struct fuse_iomap_ioend_in: 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapIoEndIn
{
    /// <summary>flags.</summary>
    public uint Flags;

    /// <summary>error: 0 or a negative errno.</summary>
    public int Error;

    /// <summary>attr_ino.</summary>
    public ulong Inode;

    /// <summary>pos, bytes.</summary>
    public ulong Position;

    /// <summary>new_addr: units of 512 bytes for write-back, all bits set for direct I/O.</summary>
    public ulong NewAddress;

    /// <summary>written, bytes.</summary>
    public ulong Written;

    /// <summary>dev.</summary>
    public uint Device;

    /// <summary>pad.</summary>
    public uint Padding;
}

/// <summary>struct fuse_iomap_ioend_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct IomapIoEndOut
{
    /// <summary>newsize: the size that is stored, bytes.</summary>
    public ulong NewSize;
}

/// <summary>FUSE_IOMAP_CONFIG_*: which fields of <see cref="IomapConfigOut"/> count.</summary>
[Flags]
public enum IomapConfigItems : ulong
{
    None = 0,
    Name = 0x01,
    Uuid = 0x02,
    BlockSize = 0x04,
    MaxLinks = 0x08,
    Time = 0x10,
    MaxBytes = 0x20,
    CacheMaxBytes = 0x40,

    /// <summary>All that v8 and v9 know. v7 and older do not know the last.</summary>
    All = 0x7F,
}

/// <summary>struct fuse_iomap_config_in: 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8, Size = 64)]
public struct IomapConfigIn
{
    /// <summary>flags: what the kernel understands.</summary>
    public IomapConfigItems Known;

    /// <summary>maxbytes: largest file.</summary>
    public long MaxBytes;

    /// <summary>cache_maxbytes: memory for the cached mappings of a file.</summary>
    public uint CacheMaxBytes;
}

/// <summary>struct fuse_iomap_config_out: 104 bytes, the last four of them padding.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8, Size = 104)]
public struct IomapConfigOut
{
    /// <summary>flags.</summary>
    public IomapConfigItems Items;

    /// <summary>s_id, ends in NUL.</summary>
    public IomapName Name;

    /// <summary>s_uuid.</summary>
    public IomapUuid Uuid;

    /// <summary>s_uuid_len, 0 to 16.</summary>
    public byte UuidLength;

    /// <summary>s_pad, zero.</summary>
    public byte Padding0;

    /// <summary>s_pad.</summary>
    public byte Padding1;

    /// <summary>s_pad.</summary>
    public byte Padding2;

    /// <summary>s_blocksize, bytes.</summary>
    public uint BlockSize;

    /// <summary>s_max_links.</summary>
    public uint MaxLinks;

    /// <summary>s_time_gran, nanoseconds.</summary>
    public uint TimeGranularity;

    /// <summary>s_time_min, seconds.</summary>
    public long TimeMin;

    /// <summary>s_time_max, seconds.</summary>
    public long TimeMax;

    /// <summary>s_maxbytes.</summary>
    public long MaxBytes;

    /// <summary>cache_maxbytes.</summary>
    public uint CacheMaxBytes;
}

/// <summary>s_id of struct fuse_iomap_config_out.</summary>
[InlineArray(32)]
public struct IomapName
{
    private byte _first;
}

/// <summary>s_uuid of struct fuse_iomap_config_out.</summary>
[InlineArray(16)]
public struct IomapUuid
{
    private byte _first;
}

/// <summary>struct fuse_freezefs_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct FreezeIn
{
    /// <summary>unlinked: inodes without a name that are still in the kernel's memory.</summary>
    public ulong UnlinkedInodes;
}

/// <summary>struct fuse_shutdownfs_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public struct ShutdownIn
{
    /// <summary>flags, 0.</summary>
    public ulong Flags;
}

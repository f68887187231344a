using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_attr: 88 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NodeAttributes
{
    /// <summary>FUSE_ATTR_SUBMOUNT in <see cref="Flags"/>.</summary>
    public const uint SubmountFlag = 1;

    /// <summary>FUSE_ATTR_EXCLUSIVE in <see cref="Flags"/>: nobody but this kernel changes the attributes.</summary>
    public const uint ExclusiveFlag = 0x04;

    /// <summary>FUSE_ATTR_IOMAP: the kernel moves the data itself, by mappings. Includes
    /// <see cref="ExclusiveFlag"/>, without which it does not count.</summary>
    public const uint IomapFlag = 0x08 | ExclusiveFlag;

    /// <summary>FUSE_ATTR_ATOMIC: RWF_ATOMIC may be used. As the three below only with
    /// <see cref="ExclusiveFlag"/>, and all of them only when the kernel comes to know the node.</summary>
    public const uint AtomicFlag = 0x10;

    /// <summary>FUSE_ATTR_SYNC: S_SYNC.</summary>
    public const uint SyncFlag = 0x20;

    /// <summary>FUSE_ATTR_IMMUTABLE: S_IMMUTABLE.</summary>
    public const uint ImmutableFlag = 0x40;

    /// <summary>FUSE_ATTR_APPEND: S_APPEND.</summary>
    public const uint AppendFlag = 0x80;

    /// <summary>ino: what stat(2) shows.</summary>
    public ulong Inode;

    /// <summary>size, bytes.</summary>
    public ulong Size;

    /// <summary>blocks, units of 512 bytes.</summary>
    public ulong Blocks512;

    /// <summary>atime, seconds since 1970; two's complement before.</summary>
    public ulong AccessTime;

    /// <summary>mtime, seconds.</summary>
    public ulong ModifyTime;

    /// <summary>ctime, seconds.</summary>
    public ulong ChangeTime;

    /// <summary>atimensec.</summary>
    public uint AccessTimeNanoseconds;

    /// <summary>mtimensec.</summary>
    public uint ModifyTimeNanoseconds;

    /// <summary>ctimensec.</summary>
    public uint ChangeTimeNanoseconds;

    /// <summary>mode: type and permissions, S_IF* of stat(2).</summary>
    public uint Mode;

    /// <summary>nlink.</summary>
    public uint Links;

    /// <summary>uid.</summary>
    public uint Uid;

    /// <summary>gid.</summary>
    public uint Gid;

    /// <summary>rdev in the kernel's 32-bit form: minor 0..7, major 8..19, minor 20..31 (new_encode_dev).</summary>
    public uint DeviceNumber;

    /// <summary>blksize, bytes: preferred unit of transfer.</summary>
    public uint BlockSize;

    /// <summary>flags: FUSE_ATTR_*.</summary>
    public uint Flags;
}

/// <summary>struct fuse_entry_out: 128 bytes; answers LOOKUP and whatever creates a name.</summary>
/// <remarks>NodeId 0 with a non-zero validity is a negative entry the kernel may cache.</remarks>
[StructLayout(LayoutKind.Sequential)]
public struct EntryOut
{
    /// <summary>nodeid; 0 says: no such name.</summary>
    public ulong NodeId;

    /// <summary>generation: with the node id unique over the life of the file system (NFS handles).</summary>
    public ulong Generation;

    /// <summary>entry_valid, seconds the name may be cached.</summary>
    public ulong EntryValid;

    /// <summary>attr_valid, seconds the attributes may be cached.</summary>
    public ulong AttributesValid;

    /// <summary>entry_valid_nsec.</summary>
    public uint EntryValidNanoseconds;

    /// <summary>attr_valid_nsec.</summary>
    public uint AttributesValidNanoseconds;

    /// <summary>attr.</summary>
    public NodeAttributes Attributes;
}

/// <summary>struct fuse_getattr_in: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GetAttributesIn
{
    /// <summary>FUSE_GETATTR_FH in <see cref="Flags"/>: the handle is valid.</summary>
    public const uint HandleValid = 1;

    /// <summary>getattr_flags.</summary>
    public uint Flags;

    /// <summary>dummy.</summary>
    public uint Padding;

    /// <summary>fh.</summary>
    public ulong Handle;
}

/// <summary>struct fuse_attr_out: 104 bytes; answers GETATTR and SETATTR.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct AttributesOut
{
    /// <summary>attr_valid, seconds.</summary>
    public ulong Valid;

    /// <summary>attr_valid_nsec.</summary>
    public uint ValidNanoseconds;

    /// <summary>dummy.</summary>
    public uint Padding;

    /// <summary>attr.</summary>
    public NodeAttributes Attributes;
}

/// <summary>FATTR_*: which fields of <see cref="SetAttributesIn"/> count.</summary>
[Flags]
public enum SetAttributesFlags : uint
{
    None = 0,
    Mode = 1 << 0,
    Uid = 1 << 1,
    Gid = 1 << 2,
    Size = 1 << 3,
    AccessTime = 1 << 4,
    ModifyTime = 1 << 5,
    Handle = 1 << 6,
    AccessTimeNow = 1 << 7,
    ModifyTimeNow = 1 << 8,
    LockOwner = 1 << 9,
    ChangeTime = 1 << 10,
    KillSetIds = 1 << 11,
}

/// <summary>struct fuse_setattr_in: 88 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SetAttributesIn
{
    /// <summary>valid.</summary>
    public SetAttributesFlags Valid;

    /// <summary>padding.</summary>
    public uint Padding;

    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>size, bytes.</summary>
    public ulong Size;

    /// <summary>lock_owner.</summary>
    public ulong LockOwner;

    /// <summary>atime, seconds.</summary>
    public ulong AccessTime;

    /// <summary>mtime, seconds.</summary>
    public ulong ModifyTime;

    /// <summary>ctime, seconds.</summary>
    public ulong ChangeTime;

    /// <summary>atimensec.</summary>
    public uint AccessTimeNanoseconds;

    /// <summary>mtimensec.</summary>
    public uint ModifyTimeNanoseconds;

    /// <summary>ctimensec.</summary>
    public uint ChangeTimeNanoseconds;

    /// <summary>mode.</summary>
    public uint Mode;

    /// <summary>unused4.</summary>
    public uint Unused4;

    /// <summary>uid.</summary>
    public uint Uid;

    /// <summary>gid.</summary>
    public uint Gid;

    /// <summary>unused5.</summary>
    public uint Unused5;
}

/// <summary>struct fuse_statx_in: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StatxIn
{
    /// <summary>getattr_flags.</summary>
    public uint Flags;

    /// <summary>reserved.</summary>
    public uint Reserved;

    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>sx_flags: AT_STATX_*.</summary>
    public uint SyncFlags;

    /// <summary>sx_mask: STATX_* wanted.</summary>
    public uint Mask;
}

/// <summary>struct fuse_sx_time: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StatxTime
{
    /// <summary>tv_sec.</summary>
    public long Seconds;

    /// <summary>tv_nsec.</summary>
    public uint Nanoseconds;

    /// <summary>__reserved.</summary>
    public int Reserved;
}

/// <summary>struct fuse_statx: 256 bytes, as struct statx of statx(2).</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
public struct StatxAttributes
{
    /// <summary>mask: STATX_* filled in.</summary>
    public uint Mask;

    /// <summary>blksize, bytes.</summary>
    public uint BlockSize;

    /// <summary>attributes: STATX_ATTR_*.</summary>
    public ulong Attributes;

    /// <summary>nlink.</summary>
    public uint Links;

    /// <summary>uid.</summary>
    public uint Uid;

    /// <summary>gid.</summary>
    public uint Gid;

    /// <summary>mode.</summary>
    public ushort Mode;

    /// <summary>__spare0.</summary>
    public ushort Padding;

    /// <summary>ino.</summary>
    public ulong Inode;

    /// <summary>size, bytes.</summary>
    public ulong Size;

    /// <summary>blocks, units of 512 bytes.</summary>
    public ulong Blocks512;

    /// <summary>attributes_mask: which bits of <see cref="Attributes"/> mean anything.</summary>
    public ulong AttributesMask;

    /// <summary>atime.</summary>
    public StatxTime AccessTime;

    /// <summary>btime.</summary>
    public StatxTime BirthTime;

    /// <summary>ctime.</summary>
    public StatxTime ChangeTime;

    /// <summary>mtime.</summary>
    public StatxTime ModifyTime;

    /// <summary>rdev_major.</summary>
    public uint DeviceNumberMajor;

    /// <summary>rdev_minor.</summary>
    public uint DeviceNumberMinor;

    /// <summary>dev_major.</summary>
    public uint DeviceMajor;

    /// <summary>dev_minor.</summary>
    public uint DeviceMinor;

    /// <summary>mnt_id. This and all below count with block mappings only, others get zeros.</summary>
    public ulong MountId;

    /// <summary>dio_mem_align, bytes.</summary>
    public uint DirectMemoryAlignment;

    /// <summary>dio_offset_align, bytes.</summary>
    public uint DirectOffsetAlignment;

    /// <summary>subvol.</summary>
    public ulong Subvolume;

    /// <summary>atomic_write_unit_min, bytes.</summary>
    public uint AtomicWriteUnitMin;

    /// <summary>atomic_write_unit_max, bytes.</summary>
    public uint AtomicWriteUnitMax;

    /// <summary>atomic_write_segments_max.</summary>
    public uint AtomicWriteSegmentsMax;

    /// <summary>dio_read_offset_align, bytes.</summary>
    public uint DirectReadOffsetAlignment;

    /// <summary>atomic_write_unit_max_opt, bytes.</summary>
    public uint AtomicWriteUnitMaxOptimal;
}

/// <summary>struct fuse_statx_out: 288 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct StatxOut
{
    /// <summary>attr_valid, seconds.</summary>
    public ulong Valid;

    /// <summary>attr_valid_nsec.</summary>
    public uint ValidNanoseconds;

    /// <summary>flags: FUSE_ATTR_*.</summary>
    public uint Flags;

    /// <summary>spare[0].</summary>
    public ulong Spare0;

    /// <summary>spare[1].</summary>
    public ulong Spare1;

    /// <summary>stat.</summary>
    public StatxAttributes Statx;
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_kstatfs, which is all of struct fuse_statfs_out: 80 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 80)]
public struct StatFsOut
{
    /// <summary>blocks, units of <see cref="FragmentSize"/>.</summary>
    public ulong Blocks;

    /// <summary>bfree.</summary>
    public ulong BlocksFree;

    /// <summary>bavail.</summary>
    public ulong BlocksAvailable;

    /// <summary>files.</summary>
    public ulong Files;

    /// <summary>ffree.</summary>
    public ulong FilesFree;

    /// <summary>bsize, bytes.</summary>
    public uint BlockSize;

    /// <summary>namelen, bytes.</summary>
    public uint NameLength;

    /// <summary>frsize, bytes.</summary>
    public uint FragmentSize;
}

/// <summary>struct fuse_access_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct AccessIn
{
    /// <summary>mask: R_OK 4, W_OK 2, X_OK 1.</summary>
    public uint Mask;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_interrupt_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct InterruptIn
{
    /// <summary>unique of the request whose caller lost patience.</summary>
    public ulong Unique;
}

/// <summary>struct fuse_bmap_in: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BmapIn
{
    /// <summary>block within the file, units of <see cref="BlockSize"/>.</summary>
    public ulong Block;

    /// <summary>blocksize, bytes.</summary>
    public uint BlockSize;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_bmap_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BmapOut
{
    /// <summary>block on the device; 0 for none.</summary>
    public ulong Block;
}

/// <summary>struct fuse_ioctl_in: 32 bytes, then the input data.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoControlIn
{
    /// <summary>FUSE_IOCTL_DIR in <see cref="Flags"/>.</summary>
    public const uint OnDirectory = 1 << 4;

    /// <summary>FUSE_IOCTL_32BIT in <see cref="Flags"/>.</summary>
    public const uint Caller32Bit = 1 << 3;

    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>flags: FUSE_IOCTL_*.</summary>
    public uint Flags;

    /// <summary>cmd, unsigned.</summary>
    public uint Command;

    /// <summary>arg: the third argument of ioctl(2), an address of the caller.</summary>
    public ulong Argument;

    /// <summary>in_size, bytes that follow.</summary>
    public uint InputSize;

    /// <summary>out_size, bytes the caller has room for.</summary>
    public uint OutputSize;
}

/// <summary>struct fuse_ioctl_out: 16 bytes, then the output data.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoControlOut
{
    /// <summary>result of ioctl(2).</summary>
    public int Result;

    /// <summary>flags.</summary>
    public uint Flags;

    /// <summary>in_iovs.</summary>
    public uint InputVectors;

    /// <summary>out_iovs.</summary>
    public uint OutputVectors;
}

/// <summary>struct fuse_poll_in: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>kh.</summary>
    public ulong KernelHandle;

    /// <summary>flags: FUSE_POLL_SCHEDULE_NOTIFY 1.</summary>
    public uint Flags;

    /// <summary>events.</summary>
    public uint Events;
}

/// <summary>struct fuse_poll_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollOut
{
    /// <summary>revents.</summary>
    public uint ReadyEvents;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_file_lock, also struct fuse_lk_out: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FileLock
{
    /// <summary>start, bytes.</summary>
    public ulong Start;

    /// <summary>end, bytes, included.</summary>
    public ulong End;

    /// <summary>type: F_RDLCK 0, F_WRLCK 1, F_UNLCK 2.</summary>
    public uint Type;

    /// <summary>pid.</summary>
    public uint Pid;
}

/// <summary>struct fuse_lk_in: 48 bytes; GETLK, SETLK, SETLKW.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LockIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>owner.</summary>
    public ulong Owner;

    /// <summary>lk.</summary>
    public FileLock Lock;

    /// <summary>lk_flags: FUSE_LK_FLOCK 1.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_syncfs_in: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SyncFsIn
{
    /// <summary>padding.</summary>
    public ulong Padding;
}

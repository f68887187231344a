using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>FOPEN_*: what the server answers to an open.</summary>
[Flags]
public enum OpenReplyFlags : uint
{
    None = 0,
    DirectIo = 1 << 0,
    KeepCache = 1 << 1,
    NonSeekable = 1 << 2,
    CacheDirectory = 1 << 3,
    Stream = 1 << 4,
    NoFlush = 1 << 5,
    ParallelDirectWrites = 1 << 6,
    Passthrough = 1 << 7,
}

/// <summary>struct fuse_open_in: 8 bytes; OPEN and OPENDIR.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct OpenIn
{
    /// <summary>FUSE_OPEN_KILL_SUIDGID in <see cref="OpenFlags"/>: the truncation drops set-id bits.</summary>
    public const uint KillSetIds = 1;

    /// <summary>flags: O_* of open(2).</summary>
    public uint Flags;

    /// <summary>open_flags: FUSE_OPEN_*.</summary>
    public uint OpenFlags;
}

/// <summary>struct fuse_create_in: 16 bytes, then the name; answered by EntryOut + OpenOut. Also TMPFILE.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CreateIn
{
    /// <summary>flags: O_* of open(2).</summary>
    public uint Flags;

    /// <summary>mode.</summary>
    public uint Mode;

    /// <summary>umask.</summary>
    public uint Umask;

    /// <summary>open_flags: FUSE_OPEN_*.</summary>
    public uint OpenFlags;
}

/// <summary>struct fuse_open_out: 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct OpenOut
{
    /// <summary>fh: comes back with every request on this open file.</summary>
    public ulong Handle;

    /// <summary>open_flags.</summary>
    public OpenReplyFlags Flags;

    /// <summary>backing_id.</summary>
    public int BackingId;
}

/// <summary>struct fuse_release_in: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReleaseIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>flags: O_* of the open.</summary>
    public uint Flags;

    /// <summary>release_flags: FUSE_RELEASE_FLUSH 1, FUSE_RELEASE_FLOCK_UNLOCK 2.</summary>
    public uint ReleaseFlags;

    /// <summary>lock_owner.</summary>
    public ulong LockOwner;
}

/// <summary>struct fuse_flush_in: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FlushIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>unused.</summary>
    public uint Unused;

    /// <summary>padding.</summary>
    public uint Padding;

    /// <summary>lock_owner.</summary>
    public ulong LockOwner;
}

/// <summary>struct fuse_read_in: 40 bytes; READ, READDIR and READDIRPLUS.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReadIn
{
    /// <summary>FUSE_READ_LOCKOWNER: the kernel names an owner with what it reads past its cache, and only then.
    /// </summary>
    public const uint HasLockOwner = 1 << 1;

    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>offset: bytes, or the cookie where a listing goes on.</summary>
    public ulong Offset;

    /// <summary>size: bytes the caller has room for.</summary>
    public uint Size;

    /// <summary>read_flags: FUSE_READ_LOCKOWNER 2.</summary>
    public uint ReadFlags;

    /// <summary>lock_owner.</summary>
    public ulong LockOwner;

    /// <summary>flags: O_* of the open file.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>FUSE_WRITE_*.</summary>
[Flags]
public enum WriteFlags : uint
{
    None = 0,

    /// <summary>FUSE_WRITE_CACHE: written back from the page cache; the handle is a guess, the caller unknown.</summary>
    Cache = 1 << 0,
    LockOwner = 1 << 1,
    KillSetIds = 1 << 2,
}

/// <summary>struct fuse_write_in: 40 bytes, then the data.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct WriteIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>offset, bytes.</summary>
    public ulong Offset;

    /// <summary>size, bytes of data.</summary>
    public uint Size;

    /// <summary>write_flags.</summary>
    public WriteFlags WriteFlags;

    /// <summary>lock_owner.</summary>
    public ulong LockOwner;

    /// <summary>flags: O_* of the open file.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_write_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct WriteOut
{
    /// <summary>size, bytes written.</summary>
    public uint Size;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_fsync_in: 16 bytes; FSYNC and FSYNCDIR.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FsyncIn
{
    /// <summary>FUSE_FSYNC_FDATASYNC in <see cref="Flags"/>.</summary>
    public const uint DataOnly = 1;

    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>fsync_flags.</summary>
    public uint Flags;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_fallocate_in: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FallocateIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>offset, bytes.</summary>
    public ulong Offset;

    /// <summary>length, bytes.</summary>
    public ulong Length;

    /// <summary>mode: FALLOC_FL_* of fallocate(2).</summary>
    public uint Mode;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_lseek_in: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SeekIn
{
    /// <summary>fh.</summary>
    public ulong Handle;

    /// <summary>offset, bytes.</summary>
    public ulong Offset;

    /// <summary>whence: SEEK_DATA 3, SEEK_HOLE 4.</summary>
    public uint Whence;

    /// <summary>padding.</summary>
    public uint Padding;
}

/// <summary>struct fuse_lseek_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SeekOut
{
    /// <summary>offset, bytes.</summary>
    public ulong Offset;
}

/// <summary>struct fuse_copy_file_range_in: 56 bytes. COPY_FILE_RANGE is answered by WriteOut, the 64-bit one by
/// <see cref="CopyFileRangeOut"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CopyFileRangeIn
{
    /// <summary>fh_in.</summary>
    public ulong HandleIn;

    /// <summary>off_in, bytes.</summary>
    public ulong OffsetIn;

    /// <summary>nodeid_out.</summary>
    public ulong NodeIdOut;

    /// <summary>fh_out.</summary>
    public ulong HandleOut;

    /// <summary>off_out, bytes.</summary>
    public ulong OffsetOut;

    /// <summary>len, bytes.</summary>
    public ulong Length;

    /// <summary>flags.</summary>
    public ulong Flags;
}

/// <summary>struct fuse_copy_file_range_out: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CopyFileRangeOut
{
    /// <summary>bytes_copied.</summary>
    public ulong BytesCopied;
}

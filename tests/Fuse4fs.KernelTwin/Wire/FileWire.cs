using System.Runtime.InteropServices;

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>Requests on open files.</summary>
public static class FileWire
{
    /// <summary>struct fuse_open_in, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct OpenIn
    {
        public uint Flags;
        public uint OpenFlags;
    }

    /// <summary>struct fuse_open_out, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct OpenOut
    {
        public ulong Handle;
        public uint OpenFlags;
        public int BackingId;
    }

    /// <summary>struct fuse_create_in, 16 bytes; then the name. TMPFILE uses it too.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct CreateIn
    {
        public uint Flags;
        public uint Mode;
        public uint Umask;
        public uint OpenFlags;
    }

    /// <summary>struct fuse_release_in, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct ReleaseIn
    {
        public ulong Handle;
        public uint Flags;
        public uint ReleaseFlags;
        public ulong LockOwner;
    }

    /// <summary>struct fuse_flush_in, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct FlushIn
    {
        public ulong Handle;
        public uint Unused;
        public uint Padding;
        public ulong LockOwner;
    }

    /// <summary>struct fuse_fsync_in, 16 bytes. Flags 1: data only.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct FsyncIn
    {
        public ulong Handle;
        public uint Flags;
        public uint Padding;
    }

    /// <summary>struct fuse_read_in and fuse_write_in, 40 bytes; a write's data follows.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct TransferIn
    {
        public ulong Handle;
        public ulong Offset;
        public uint Size;
        public uint TransferFlags;
        public ulong LockOwner;
        public uint Flags;
        public uint Padding;
    }

    /// <summary>struct fuse_write_out, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct WriteOut
    {
        public uint Size;
        public uint Padding;
    }

    /// <summary>struct fuse_fallocate_in, 32 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct FallocateIn
    {
        public ulong Handle;
        public ulong Offset;
        public ulong Length;
        public uint Mode;
        public uint Padding;
    }

    /// <summary>struct fuse_lseek_in, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct LseekIn
    {
        public ulong Handle;
        public ulong Offset;
        public uint Whence;
        public uint Padding;
    }

    /// <summary>struct fuse_lseek_out, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct LseekOut
    {
        public ulong Offset;
    }

    /// <summary>struct fuse_copy_file_range_in, 56 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct CopyIn
    {
        public ulong HandleIn;
        public ulong OffsetIn;
        public ulong NodeIdOut;
        public ulong HandleOut;
        public ulong OffsetOut;
        public ulong Length;
        public ulong Flags;
    }

    /// <summary>struct fuse_copy_file_range_out, 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct CopyOut
    {
        public ulong BytesCopied;
    }

    /// <summary>struct fuse_ioctl_in, 32 bytes; then the input.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct IoctlIn
    {
        public ulong Handle;
        public uint Flags;
        public uint Command;
        public ulong Argument;
        public uint InSize;
        public uint OutSize;
    }

    /// <summary>struct fuse_ioctl_out, 16 bytes; then the output.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    public struct IoctlOut
    {
        public int Result;
        public uint Flags;
        public uint InVectors;
        public uint OutVectors;
    }
}

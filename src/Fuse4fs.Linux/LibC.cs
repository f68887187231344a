using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>System calls as libc offers them: signatures, no policy. Read <see cref="LastError"/> in the very next
/// statement after a failure. One partial file per family of calls.</summary>
public static unsafe partial class LibC
{
    private const string Library = "libc";

    /// <summary>errno of the last failed call of this thread.</summary>
    public static Errno LastError => (Errno)Marshal.GetLastPInvokeError();

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    internal static partial int CloseNumber(int descriptor);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial FileDescriptor Open(string path, OpenFlags flags, int mode);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(FileDescriptor descriptor, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(FileDescriptor descriptor, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "pread64", SetLastError = true)]
    public static partial nint PRead(FileDescriptor descriptor, void* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "pwrite64", SetLastError = true)]
    public static partial nint PWrite(FileDescriptor descriptor, void* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteV(FileDescriptor descriptor, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "preadv64", SetLastError = true)]
    public static partial nint PReadV(FileDescriptor descriptor, IoVector* vectors, int count, long offset);

    /// <summary>preadv2(2); flag 8, RWF_NOWAIT: only what needs no waiting.</summary>
    [LibraryImport(Library, EntryPoint = "preadv64v2", SetLastError = true)]
    public static partial nint PReadV2(FileDescriptor descriptor, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport(Library, EntryPoint = "pwritev64", SetLastError = true)]
    public static partial nint PWriteV(FileDescriptor descriptor, IoVector* vectors, int count, long offset);

    [LibraryImport(Library, EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FDataSync(FileDescriptor descriptor);

    [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(FileDescriptor descriptor);

    /// <summary>sync_file_range(2); flag 2 starts the transfer and does not wait for it.</summary>
    [LibraryImport(Library, EntryPoint = "sync_file_range", SetLastError = true)]
    public static partial int SyncFileRange(FileDescriptor descriptor, long offset, long length, uint flags);

    [LibraryImport(Library, EntryPoint = "lseek64", SetLastError = true)]
    public static partial long LSeek(FileDescriptor descriptor, long offset, int whence);

    [LibraryImport(Library, EntryPoint = "ftruncate64", SetLastError = true)]
    public static partial int FTruncate(FileDescriptor descriptor, long length);

    [LibraryImport(Library, EntryPoint = "fallocate64", SetLastError = true)]
    public static partial int FAllocate(FileDescriptor descriptor, int mode, long offset, long length);

    /// <summary>Returns the error instead of setting errno.</summary>
    [LibraryImport(Library, EntryPoint = "posix_fadvise64")]
    public static partial int FAdvise(FileDescriptor descriptor, long offset, long length, int advice);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(FileDescriptor descriptor, nuint request, void* argument);
}

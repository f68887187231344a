using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>System calls as a program under test would make them, with names as bytes. Declared here and not taken from
/// the project, so that a wrong declaration there shows. All return the call's result, or -errno.</summary>
public static unsafe partial class Posix
{
    /// <summary>AT_FDCWD.</summary>
    public const int CurrentDirectory = -100;

    /// <summary>AT_SYMLINK_NOFOLLOW.</summary>
    public const int NoFollow = 0x100;

    /// <summary>open(2).</summary>
    public static int Open(HostPath path, OpenMode flags, uint mode = 0)
    {
        fixed (byte* name = path.Terminated)
        {
            return (int)Result(NativeOpen(name, (int)flags | (int)OpenMode.CloseOnExec, mode));
        }
    }

    /// <summary>close(2).</summary>
    public static int Close(int descriptor) => (int)Result(NativeClose(descriptor));

    /// <summary>pread(2), once.</summary>
    public static long Read(int descriptor, Span<byte> buffer, long offset)
    {
        fixed (byte* start = buffer)
        {
            return Result(NativePRead(descriptor, start, (nuint)buffer.Length, offset));
        }
    }

    /// <summary>pwrite(2), once.</summary>
    public static long Write(int descriptor, ReadOnlySpan<byte> buffer, long offset)
    {
        fixed (byte* start = buffer)
        {
            return Result(NativePWrite(descriptor, start, (nuint)buffer.Length, offset));
        }
    }

    /// <summary>write(2), once: at the descriptor's position, or the end of an appending file.</summary>
    public static long Append(int descriptor, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(NativeWrite(descriptor, start, (nuint)buffer.Length));
        }
    }

    /// <summary>lseek(2).</summary>
    public static long Seek(int descriptor, long offset, SeekFrom whence) =>
        Result(NativeSeek(descriptor, offset, (int)whence));

    /// <summary>fsync(2).</summary>
    public static int Sync(int descriptor) => (int)Result(NativeFSync(descriptor));

    /// <summary>fdatasync(2).</summary>
    public static int SyncData(int descriptor) => (int)Result(NativeFDataSync(descriptor));

    /// <summary>syncfs(2).</summary>
    public static int SyncFileSystem(int descriptor) => (int)Result(NativeSyncFs(descriptor));

    /// <summary>ftruncate(2).</summary>
    public static int Truncate(int descriptor, long length) => (int)Result(NativeFTruncate(descriptor, length));

    /// <summary>fallocate(2).</summary>
    public static int Allocate(int descriptor, AllocateMode mode, long offset, long length) =>
        (int)Result(NativeFAllocate(descriptor, (int)mode, offset, length));

    /// <summary>copy_file_range(2) between explicit positions.</summary>
    public static long CopyRange(int from, long fromOffset, int to, long toOffset, long length) =>
        Result(NativeCopyFileRange(from, &fromOffset, to, &toOffset, (nuint)length, 0));

    /// <summary>ioctl(2) with a structure.</summary>
    public static int Control<T>(int descriptor, uint request, ref T argument) where T : unmanaged
    {
        fixed (T* pointer = &argument)
        {
            return (int)Result(NativeControl(descriptor, request, pointer));
        }
    }

    /// <summary>getdents64(2).</summary>
    public static int ReadDirectory(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)Result(NativeGetDents(descriptor, start, (nuint)buffer.Length));
        }
    }

    private static long Result(long value) => value >= 0 ? value : -Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "open64", SetLastError = true)]
    private static partial int NativeOpen(byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);

    [LibraryImport("libc", EntryPoint = "pread64", SetLastError = true)]
    private static partial nint NativePRead(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite64", SetLastError = true)]
    private static partial nint NativePWrite(int descriptor, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint NativeWrite(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "lseek64", SetLastError = true)]
    private static partial long NativeSeek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int NativeFDataSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int NativeSyncFs(int descriptor);

    [LibraryImport("libc", EntryPoint = "ftruncate64", SetLastError = true)]
    private static partial int NativeFTruncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "fallocate64", SetLastError = true)]
    private static partial int NativeFAllocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static partial nint NativeCopyFileRange(
        int from, long* fromOffset, int to, long* toOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int NativeControl(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint NativeGetDents(int descriptor, byte* buffer, nuint count);
}

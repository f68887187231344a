using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>What a path or descriptor is, and locks on it.</summary>
public static unsafe partial class LibC
{
    /// <summary>AT_FDCWD.</summary>
    public const int CurrentDirectory = -100;

    /// <summary>AT_EMPTY_PATH: the descriptor itself.</summary>
    public const int EmptyPath = 0x1000;

    /// <summary>LOCK_SH, LOCK_EX, LOCK_NB of flock(2).</summary>
    public const int LockShared = 1, LockExclusive = 2, LockNoWait = 4;

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ExtendedStatus(int directory, string path, int flags, uint mask, FileStatus* result);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(FileDescriptor descriptor, int operation);

    [LibraryImport(Library, EntryPoint = "syncfs", SetLastError = true)]
    public static partial int SyncFileSystem(FileDescriptor descriptor);

    /// <summary>Attributes of what a path names, symbolic links followed.</summary>
    public static Errno Status(string path, out FileStatus status)
    {
        fixed (FileStatus* result = &status)
        {
            return ExtendedStatus(CurrentDirectory, path, 0, FileStatus.BasicMask, result) == 0 ? Errno.Ok : LastError;
        }
    }

    /// <summary>Attributes of an open descriptor.</summary>
    public static Errno Status(FileDescriptor descriptor, out FileStatus status)
    {
        fixed (FileStatus* result = &status)
        {
            return ExtendedStatus(descriptor.Number, "", EmptyPath, FileStatus.BasicMask, result) == 0
                ? Errno.Ok
                : LastError;
        }
    }
}

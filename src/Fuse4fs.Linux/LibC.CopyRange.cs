using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Copying within the kernel, and files that have no name yet.</summary>
public static unsafe partial class LibC
{
    /// <summary>SEEK_END, SEEK_DATA and SEEK_HOLE of lseek(2).</summary>
    public const int SeekEnd = 2, SeekData = 3, SeekHole = 4;

    /// <summary>FICLONE: the destination shares all blocks of the source.</summary>
    private const nuint CloneFile = 0x40049409;

    /// <summary>AT_SYMLINK_FOLLOW.</summary>
    private const int FollowLink = 0x400;

    [LibraryImport(Library, EntryPoint = "copy_file_range", SetLastError = true)]
    public static partial nint CopyFileRange(
        FileDescriptor from, long* fromOffset, FileDescriptor to, long* toOffset, nuint length, uint flags);

    [LibraryImport(Library, EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkAt(int fromDirectory, string from, int toDirectory, string to, int flags);

    /// <summary>Makes a file a copy of another one without copying data.</summary>
    public static Errno TryClone(FileDescriptor from, FileDescriptor to)
    {
        Errno error = IoControl(to, CloneFile, (void*)(nint)from.Number) == 0 ? Errno.Ok : LastError;
        GC.KeepAlive(from);
        return error;
    }

    /// <summary>Gives a file that was opened with <see cref="OpenFlags.Unnamed"/> a name.</summary>
    /// <returns>Exists when there is something of that name.</returns>
    public static Errno TryName(FileDescriptor file, string path)
    {
        Errno error = LinkAt(CurrentDirectory, $"/proc/self/fd/{file.Number}", CurrentDirectory, path, FollowLink) == 0
            ? Errno.Ok
            : LastError;
        GC.KeepAlive(file);
        return error;
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Processes, sessions and descriptors of this process.</summary>
public static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "chdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeDirectory(string path);

    [LibraryImport(Library, EntryPoint = "dup2", SetLastError = true)]
    public static partial int DuplicateTo(int from, int to);

    /// <summary>fcntl with an integer argument: F_GETFD 1, F_SETFD 2, F_GETFL 3, F_DUPFD_CLOEXEC 1030.</summary>
    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int FileControl(int descriptor, int command, nint argument);

    /// <summary>prctl(2) with one argument; the rest are zero.</summary>
    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, nuint argument, nuint third, nuint fourth, nuint fifth);

    /// <summary>pidfd_open(2) through syscall(2): number 434 on every architecture.</summary>
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second);

    /// <summary>A descriptor that polls readable when the process has ended; -1 and errno otherwise.</summary>
    public static int OpenProcess(int processId) => (int)SystemCall(434, processId, 0);
}

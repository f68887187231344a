using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    private const nint SetupNumber = 425;
    private const nint EnterNumber = 426;

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint IoUringSetup(nint number, uint entries, IoUringParameters* parameters);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint IoUringEnter(
        nint number, int descriptor, uint toSubmit, uint minComplete, uint flags, void* argument, nuint argumentSize);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "getpid", SetLastError = true)]
    private static partial int GetPid();

    [LibraryImport(Library, EntryPoint = "process_vm_readv", SetLastError = true)]
    private static partial nint ReadProcessMemory(
        int pid, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    /// <summary>io_uring_setup(2).</summary>
    public static Errno TryCreateRing(uint entries, ref IoUringParameters parameters, out FileDescriptor? ring)
    {
        fixed (IoUringParameters* start = &parameters)
        {
            nint descriptor = IoUringSetup(SetupNumber, entries, start);
            ring = descriptor < 0 ? null : new FileDescriptor((int)descriptor);
            return descriptor < 0 ? LastError : Errno.Ok;
        }
    }

    /// <summary>io_uring_enter(2): submits, and waits for so many completions.</summary>
    public static Errno EnterRing(FileDescriptor ring, uint toSubmit, uint minComplete)
    {
        const uint getEvents = 1;
        return IoUringEnter(EnterNumber, ring.Number, toSubmit, minComplete, getEvents, null, 0) < 0
            ? LastError
            : Errno.Ok;
    }

    /// <summary>An eventfd(2) with count 0.</summary>
    public static Errno TryCreateEvent(out FileDescriptor? descriptor)
    {
        const int closeOnExec = 0x80000;
        int number = EventDescriptor(0, closeOnExec);
        descriptor = number < 0 ? null : new FileDescriptor(number);
        return number < 0 ? LastError : Errno.Ok;
    }

    /// <summary>Copies memory that may not be there (a mapping of a file cut short) without a fault.</summary>
    /// <returns>BadAddress when it was not.</returns>
    public static Errno CopyGuarded(void* destination, void* source, nuint lengthBytes)
    {
        var to = new IoVector { Base = destination, Length = lengthBytes };
        var from = new IoVector { Base = source, Length = lengthBytes };
        nint count = ReadProcessMemory(GetPid(), &to, 1, &from, 1, 0);
        return count < 0 ? LastError : (nuint)count == lengthBytes ? Errno.Ok : Errno.BadAddress;
    }
}

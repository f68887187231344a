using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    private const nint SetupNumber = 425;
    private const nint EnterNumber = 426;
    private const nint RegisterNumber = 427;

    /// <summary>IORING_REGISTER_RESTRICTIONS and IORING_REGISTER_ENABLE_RINGS.</summary>
    private const uint RegisterRestrictions = 11, RegisterEnable = 12;

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint IoUringSetup(nint number, uint entries, IoUringParameters* parameters);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint IoUringEnter(
        nint number, int descriptor, uint toSubmit, uint minComplete, uint flags, void* argument, nuint argumentSize);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint IoUringRegister(
        nint number, int descriptor, uint operation, void* argument, uint count);

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

    /// <summary>Allows a ring that was made disabled these operations (IORING_OP_*) and nothing else, for ever, and enables
    /// it. What goes over a ring passes no filter of system calls.</summary>
    public static Errno EnableRing(FileDescriptor ring, ReadOnlySpan<byte> operations)
    {
        const int restrictionBytes = 16;
        const byte allowSubmission = 1;
        // struct io_uring_restriction: u16 what, u8 operation, padding.
        byte* restrictions = stackalloc byte[operations.Length * restrictionBytes];
        new Span<byte>(restrictions, operations.Length * restrictionBytes).Clear();
        for (int i = 0; i < operations.Length; i++)
        {
            restrictions[i * restrictionBytes] = allowSubmission;
            restrictions[(i * restrictionBytes) + sizeof(ushort)] = operations[i];
        }
        return IoUringRegister(
                RegisterNumber, ring.Number, RegisterRestrictions, restrictions, (uint)operations.Length) == 0
            && IoUringRegister(RegisterNumber, ring.Number, RegisterEnable, null, 0) == 0
            ? Errno.Ok
            : LastError;
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

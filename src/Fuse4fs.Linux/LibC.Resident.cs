using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>POLLPRI and POLLERR.</summary>
    private const short PollPriority = 2, PollError = 8;

    /// <summary>mlockall(2).</summary>
    [LibraryImport(Library, EntryPoint = "mlockall", SetLastError = true)]
    private static partial int LockAll(int flags);

    /// <summary>Keeps every page of this process in memory from the moment it is first touched (MCL_CURRENT, MCL_FUTURE,
    /// MCL_ONFAULT).</summary>
    /// <returns>NotPermitted or NoMemory where the limit for locked memory forbids it.</returns>
    public static Errno KeepInMemory()
    {
        const int current = 1;
        const int future = 2;
        const int onFault = 4;
        IsKeptInMemory = LockAll(current | future | onFault) == 0;
        return IsKeptInMemory ? Errno.Ok : LastError;
    }

    /// <summary>Whether <see cref="KeepInMemory"/> did: then new memory counts against the limit for locked memory, and
    /// without CAP_IPC_LOCK there is none beyond it.</summary>
    public static bool IsKeptInMemory { get; private set; }

    /// <summary>poll(2) for an event that is out of the ordinary: a trigger of /proc/pressure.</summary>
    /// <returns>1 when there is one, 0 after the time, -1 with errno or when there will never be one.</returns>
    public static int WaitForPriority(FileDescriptor descriptor, int timeoutMilliseconds)
    {
        bool added = false;
        try
        {
            descriptor.DangerousAddRef(ref added);
            var entry = new PollDescriptor { Descriptor = descriptor.Number, Events = PollPriority };
            int result = Poll(&entry, 1, timeoutMilliseconds);
            return result > 0 && (entry.ReadyEvents & PollError) != 0 ? -1 : result;
        }
        finally
        {
            if (added)
            {
                descriptor.DangerousRelease();
            }
        }
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>POLLIN.</summary>
    private const short PollIn = 1;

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short ReadyEvents;
    }

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    /// <summary>poll(2) for input on one descriptor, without a limit unless one is given.</summary>
    /// <returns>1 when there is something (or an error to be read), 0 after the time, -1 with errno.</returns>
    public static int WaitReadable(FileDescriptor descriptor, int timeoutMilliseconds = -1)
    {
        bool added = false;
        try
        {
            descriptor.DangerousAddRef(ref added);
            var entry = new PollDescriptor { Descriptor = descriptor.Number, Events = PollIn };
            return Poll(&entry, 1, timeoutMilliseconds);
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

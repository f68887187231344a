using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Signals and memory for <see cref="EveryThread"/>.</summary>
public static unsafe partial class LibC
{
    /// <summary>struct sigaction of the C library on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 152)]
    private struct SignalAction
    {
        public void* Handler;
        public fixed ulong Mask[16];
        public int Flags;
        public void* Restorer;
    }

    [LibraryImport(Library, EntryPoint = "sigaction", SetLastError = true)]
    private static partial int SetSignalAction(int signal, SignalAction* action, SignalAction* old);

    [LibraryImport(Library, EntryPoint = "mmap64", SetLastError = true)]
    private static partial void* MapMemory(void* address, nuint length, int protection, int flags, int none, long offset);

    /// <summary>mprotect(2).</summary>
    [LibraryImport(Library, EntryPoint = "mprotect", SetLastError = true)]
    internal static partial int ProtectMemory(void* address, nuint length, int protection);

    /// <summary>New memory of our own; null when there is none.</summary>
    internal static byte* MapAnonymous(int lengthBytes, int protection, int flags)
    {
        void* start = MapMemory(null, (nuint)lengthBytes, protection, flags, -1, 0);
        return start == (void*)-1 ? null : (byte*)start;
    }

    /// <summary>Sets what a signal does, all others blocked meanwhile: 1 for nothing, else machine code.</summary>
    internal static Errno HandleSignal(int signal, void* handler, int flags)
    {
        var action = new SignalAction { Handler = handler, Flags = flags };
        for (int i = 0; i < 16; i++)
        {
            action.Mask[i] = ulong.MaxValue;
        }
        return SetSignalAction(signal, &action, null) == 0 ? Errno.Ok : LastError;
    }

    /// <summary>tgkill(2), by its number on x86-64: not every C library has it.</summary>
    internal static Errno SignalThread(int process, int thread, int signal) =>
        SystemCall(234, (nuint)process, (nuint)thread, (nuint)signal, 0) == 0 ? Errno.Ok : LastError;
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "process_vm_readv", SetLastError = true)]
    private static partial nint ReadProcess(
        int processId, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    [LibraryImport(Library, EntryPoint = "process_vm_writev", SetLastError = true)]
    private static partial nint WriteProcess(
        int processId, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    /// <summary>Reads another process's memory, where that is permitted.</summary>
    public static bool TryReadProcess(int processId, ulong address, Span<byte> into)
    {
        fixed (byte* start = into)
        {
            var local = new IoVector { Base = start, Length = (nuint)into.Length };
            var remote = new IoVector { Base = (void*)address, Length = (nuint)into.Length };
            return ReadProcess(processId, &local, 1, &remote, 1, 0) == into.Length;
        }
    }

    /// <summary>Writes another process's memory, where that is permitted.</summary>
    public static bool TryWriteProcess(int processId, ulong address, ReadOnlySpan<byte> from)
    {
        fixed (byte* start = from)
        {
            var local = new IoVector { Base = start, Length = (nuint)from.Length };
            var remote = new IoVector { Base = (void*)address, Length = (nuint)from.Length };
            return WriteProcess(processId, &local, 1, &remote, 1, 0) == from.Length;
        }
    }
}

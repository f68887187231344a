using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

/// <summary>Threads and CPUs.</summary>
public static unsafe partial class LibC
{
    private const int MaskWords = 128;
    private const nuint MaskBytes = MaskWords * sizeof(ulong);

    [LibraryImport(Library, EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int pid, nuint sizeBytes, ulong* mask);

    [LibraryImport(Library, EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int GetAffinity(int pid, nuint sizeBytes, ulong* mask);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true)]
    private static partial int OpenBytes(byte* path, OpenFlags flags, int mode);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadNumber(int descriptor, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "sched_getcpu")]
    private static partial int GetCpu();

    /// <summary>The CPU that the calling thread runs on.</summary>
    public static int CurrentCpu => GetCpu();

    /// <summary>Binds the calling thread to one CPU.</summary>
    public static Errno BindThreadToCpu(int cpu)
    {
        if ((uint)cpu >= MaskWords * 64)
        {
            return Errno.Invalid;
        }
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        mask[cpu / 64] = 1UL << (cpu % 64);
        return SetAffinity(0, MaskBytes, mask) < 0 ? LastError : Errno.Ok;
    }

    /// <summary>Moves the calling thread to a CPU and lets it go again: it may run wherever it might before.</summary>
    /// <returns>Invalid when it might not run there.</returns>
    public static Errno MoveThreadToCpu(int cpu)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        if (GetAffinity(0, MaskBytes, mask) < 0)
        {
            return LastError;
        }
        if ((uint)cpu >= MaskWords * 64 || (mask[cpu / 64] & (1UL << (cpu % 64))) == 0)
        {
            return Errno.Invalid;
        }
        Errno error = BindThreadToCpu(cpu);
        return error == Errno.Ok && SetAffinity(0, MaskBytes, mask) < 0 ? LastError : error;
    }

    /// <summary>The CPU that a thread of any process runs on, or ran on last: field 39 of /proc/ID/stat.</summary>
    /// <param name="threadId">As this process sees it.</param>
    /// <returns>-1 when it cannot be known.</returns>
    public static int CpuOf(uint threadId)
    {
        const int pathBytes = 32;
        const int statusBytes = 1024;
        byte* path = stackalloc byte[pathBytes];
        byte* status = stackalloc byte[statusBytes];
        if (!System.Text.Unicode.Utf8.TryWrite(new Span<byte>(path, pathBytes), $"/proc/{threadId}/stat\0", out _))
        {
            return -1;
        }
        int descriptor = OpenBytes(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec, 0);
        if (descriptor < 0)
        {
            return -1;
        }
        nint length = ReadNumber(descriptor, status, statusBytes);
        _ = CloseNumber(descriptor);
        return length <= 0 ? -1 : ParseCpu(new ReadOnlySpan<byte>(status, (int)length));
    }

    /// <summary>The second field is a name in brackets that may contain anything; the third follows the last bracket.
    /// </summary>
    private static int ParseCpu(ReadOnlySpan<byte> status)
    {
        const int fieldsBetween = 36;
        ReadOnlySpan<byte> rest = status[(status.LastIndexOf((byte)')') + 1)..].TrimStart((byte)' ');
        for (int i = 0; i < fieldsBetween; i++)
        {
            rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        }
        return System.Buffers.Text.Utf8Parser.TryParse(rest, out int cpu, out _) ? cpu : -1;
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    private const int ProtectRead = 1;
    private const int ProtectWrite = 2;
    private const int MapShared = 1;

    [LibraryImport(Library, EntryPoint = "mmap64", SetLastError = true)]
    private static partial void* Map(
        void* address, nuint length, int protection, int flags, FileDescriptor descriptor, long offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);

    /// <summary>Maps the beginning of a file, shared and read-only. Managed code must not read it: a file cut short
    /// meanwhile would end the process. System calls may: they give BadAddress.</summary>
    public static Errno TryMapForReading(FileDescriptor file, long lengthBytes, out byte* start)
        => TryMap(file, lengthBytes, 0, ProtectRead, out start);

    /// <summary>Maps memory shared with the kernel or another process.</summary>
    public static Errno TryMapShared(FileDescriptor file, long lengthBytes, long offset, out byte* start)
        => TryMap(file, lengthBytes, offset, ProtectRead | ProtectWrite, out start);

    /// <summary>Gives a mapping back.</summary>
    public static void UnmapMemory(byte* start, long lengthBytes) => _ = Unmap(start, (nuint)lengthBytes);

    private static Errno TryMap(FileDescriptor file, long lengthBytes, long offset, int protection, out byte* start)
    {
        start = (byte*)Map(null, (nuint)lengthBytes, protection, MapShared, file, offset);
        if (start != (byte*)-1)
        {
            return Errno.Ok;
        }
        start = null;
        return LastError;
    }
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>mincore(2): one byte per page of a mapping, bit 0 set when touching the page needs no I/O.</summary>
    [LibraryImport(Library, EntryPoint = "mincore", SetLastError = true)]
    public static partial int Resident(void* start, nuint length, byte* pages);
}

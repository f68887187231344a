using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    /// <summary>readahead(2): starts reading a range into the page cache.</summary>
    [LibraryImport(Library, EntryPoint = "readahead", SetLastError = true)]
    public static partial nint ReadAhead(FileDescriptor file, long offset, nuint count);
}

using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Data;

/// <summary>Zeros that replies can point to: holes are sent without clearing a buffer for each.</summary>
internal static unsafe class ZeroPages
{
    /// <summary>Size of the area, bytes.</summary>
    public const int LengthBytes = 64 << 10;

    /// <summary>Page-aligned, never written, never freed.</summary>
    public static readonly nint Start = Allocate();

    private static nint Allocate()
    {
        void* start = NativeMemory.AlignedAlloc(LengthBytes, 4096);
        NativeMemory.Clear(start, LengthBytes);
        return (nint)start;
    }
}

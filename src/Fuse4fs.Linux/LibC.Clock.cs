using System.Runtime.InteropServices;

namespace Fuse4fs.Linux;

public static unsafe partial class LibC
{
    private const int RealTimeCoarse = 5;

    /// <summary>clock_gettime(2); never blocks.</summary>
    [LibraryImport(Library, EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int GetTime(int clock, long* secondsAndNanoseconds);

    /// <summary>CLOCK_REALTIME_COARSE: the time at the last tick, which is what the kernel gives to files.</summary>
    public static (long Seconds, uint Nanoseconds) FileTime()
    {
        long* time = stackalloc long[2];
        _ = GetTime(RealTimeCoarse, time);
        return (time[0], (uint)time[1]);
    }
}

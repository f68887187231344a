using System.Runtime.InteropServices;

namespace Fuse4fs.Bench.Measuring;

/// <summary>The CPU clock of another process, in nanoseconds where /proc/PID/stat has only ticks.</summary>
internal static unsafe partial class ProcessClock
{
    private const int ClockKindScheduler = 2; // CPUCLOCK_SCHED of the kernel's posix-timers.h

    /// <summary>User and system time of all its threads, also ended ones.</summary>
    public static double Seconds(int process)
    {
        long* time = stackalloc long[2];
        return GetTime((~process << 3) | ClockKindScheduler, time) == 0 ? time[0] + (time[1] / 1e9) : 0;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, long* time);
}

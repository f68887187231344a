using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>struct timespec: seconds since 1970, nanoseconds below 10^9 or one of the two special values.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct HostTime(long Seconds, long Nanoseconds)
{
    /// <summary>UTIME_OMIT.</summary>
    public static HostTime Omit { get; } = new(0, 0x3FFFFFFE);

    /// <summary>UTIME_NOW.</summary>
    public static HostTime Now { get; } = new(0, 0x3FFFFFFF);
}

using System.Globalization;
using System.Runtime.InteropServices;

namespace Fuse4fs.Testing.Native;

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public readonly record struct StatxTime(long Seconds, uint Nanoseconds)
{
    /// <summary>Seconds and nanoseconds as digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Seconds}.{Nanoseconds:D9}");
}

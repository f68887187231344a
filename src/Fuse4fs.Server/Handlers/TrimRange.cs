using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Handlers;

/// <summary>struct fstrim_range: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct TrimRange
{
    /// <summary>Size of the structure.</summary>
    public const int Bytes = 24;

    /// <summary>start.</summary>
    public ulong StartBytes;

    /// <summary>len; in the answer, what was discarded.</summary>
    public ulong LengthBytes;

    /// <summary>minlen.</summary>
    public ulong MinimumBytes;
}

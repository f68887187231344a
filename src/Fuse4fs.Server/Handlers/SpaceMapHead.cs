using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Server.Handlers;

/// <summary>struct fsmap_head: a query for the owners of space; the records follow it in the caller's memory. 192
/// bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SpaceMapHead
{
    public uint InFlags;
    public uint OutFlags;

    /// <summary>Records there is room for; 0 to have them counted.</summary>
    public uint Count;

    /// <summary>Records there are.</summary>
    public uint Entries;
    public Words6 Reserved;

    /// <summary>From behind the first bound to the second.</summary>
    public SpaceMapRecord Low;
    public SpaceMapRecord High;

    /// <summary>Must be zero.</summary>
    [InlineArray(6)]
    public struct Words6
    {
        private ulong _first;
    }

    public readonly bool HasReserved
    {
        get
        {
            ReadOnlySpan<ulong> words = Reserved;
            return words.ContainsAnyExcept(0ul) || Low.HasReserved || High.HasReserved;
        }
    }
}

namespace Fuse4fs.Ext4.Directories;

/// <summary>Position in a listing by hash: 31 bits of major hash, 24 of what orders equal ones, 8 that count entries
/// equal in both. Positions outlive inserts, deletes and splits, since a name's hash does.</summary>
/// <remarks>0 is before ".", 1 before "..", then the names. Less than 2^63, as lseek(2) demands.</remarks>
internal static class ListingCookie
{
    /// <summary>Before "..".</summary>
    public const ulong DotDot = 1;

    /// <summary>Before the first name.</summary>
    public const ulong FirstName = 2;

    /// <summary>Keys are multiples of this.</summary>
    public const ulong KeyStep = 1 << 8;

    /// <summary>Entries of one key that have a position of their own.</summary>
    public const int MaximumOrdinal = (int)KeyStep - (int)FirstName - 2;

    private const int MajorShift = 32;
    private const ulong OrdinalMask = KeyStep - 1;

    /// <summary>The key of a name.</summary>
    /// <param name="major">Major hash; its low bit is not used.</param>
    /// <param name="tieBreaker">Its upper 24 bits count.</param>
    public static ulong Key(uint major, uint tieBreaker) =>
        ((ulong)(major >> 1) << MajorShift) | (tieBreaker & ~OrdinalMask);

    /// <summary>The key a cookie continues at.</summary>
    public static ulong KeyOf(ulong cookie) => cookie & ~OrdinalMask;

    /// <summary>How many entries of that key were listed already.</summary>
    public static int SkippedOf(ulong cookie) => Math.Max(0, (int)(cookie & OrdinalMask) - (int)FirstName);

    /// <summary>The major hash a cookie continues at.</summary>
    public static uint MajorOf(ulong cookie) => (uint)(cookie >> MajorShift) << 1;

    /// <summary>The cookie behind an entry.</summary>
    public static ulong Behind(ulong key, int ordinal) =>
        ordinal > MaximumOrdinal ? key + KeyStep : key + FirstName + (ulong)ordinal + 1;
}

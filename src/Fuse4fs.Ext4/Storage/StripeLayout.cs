namespace Fuse4fs.Ext4.Storage;

/// <summary>Where the bytes of a volume lie that is spread over several devices in strips taking turns: strip 0 on the
/// first device, strip 1 on the second, and so on, round after round. Fuse-iomap's stripe sets count the same way.</summary>
public readonly struct StripeLayout
{
    /// <summary>Most members of a set, as in fuse-iomap.</summary>
    public const int MostMembers = 256;

    /// <summary>Smallest strip: the superblock then lies in the first one.</summary>
    public const long LeastWidthBytes = 4096;

    /// <param name="members">2 to <see cref="MostMembers"/>.</param>
    /// <param name="widthBytes">A power of two, at least <see cref="LeastWidthBytes"/>.</param>
    public StripeLayout(int members, long widthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(members, MostMembers);
        if (!IsWidth(widthBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(widthBytes));
        }
        Members = members;
        WidthBytes = widthBytes;
    }

    /// <summary>How many devices there are.</summary>
    public int Members { get; }

    /// <summary>Length of a strip.</summary>
    public long WidthBytes { get; }

    /// <summary>Whether strips can have that length.</summary>
    public static bool IsWidth(long bytes) => bytes is >= LeastWidthBytes and <= 1L << 40 && long.IsPow2(bytes);

    /// <summary>Where a byte lies.</summary>
    /// <param name="address">In the volume.</param>
    /// <param name="offset">On the member.</param>
    /// <param name="rest">Bytes from here to the end of the strip.</param>
    /// <returns>Index of the member.</returns>
    public int Find(long address, out long offset, out long rest)
    {
        long strip = address / WidthBytes;
        long inside = address % WidthBytes;
        offset = (strip / Members * WidthBytes) + inside;
        rest = WidthBytes - inside;
        return (int)(strip % Members);
    }

    /// <summary>How many bytes of a member lie before an address: a range of the volume is one range on each
    /// member.</summary>
    public long Before(int member, long address)
    {
        long round = Members * WidthBytes;
        long inRound = address % round;
        return (address / round * WidthBytes) + Math.Clamp(inRound - (member * WidthBytes), 0, WidthBytes);
    }

    /// <summary>Bytes that can be addressed before one member ends.</summary>
    public long Length(ReadOnlySpan<long> memberBytes)
    {
        long length = long.MaxValue;
        for (int i = 0; i < memberBytes.Length; i++)
        {
            long strips = memberBytes[i] / WidthBytes;
            length = Math.Min(length, (((strips * Members) + i) * WidthBytes) + (memberBytes[i] % WidthBytes));
        }
        return length;
    }
}

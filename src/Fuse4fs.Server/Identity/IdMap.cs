using System.Globalization;

namespace Fuse4fs.Server.Identity;

/// <summary>uidmap= and gidmap=: which ids of the image are shown as which, in ranges. An id of the image that no range
/// covers is shown as the overflow id; one that is not the image of any cannot own anything in it.</summary>
public sealed class IdMap
{
    /// <summary>What the kernel shows for ids without a meaning: overflowuid and overflowgid.</summary>
    public const uint Overflow = 65534;

    /// <summary>As many as a user namespace may have.</summary>
    private const int MaximumRanges = 340;

    private readonly Range[] _ranges;

    private IdMap(Range[] ranges) => _ranges = ranges;

    /// <summary>Reads IMAGE:SHOWN:COUNT, repeated with a colon between: the form of fuse-overlayfs.</summary>
    /// <returns>False when it is not of that form, has too many ranges, or ranges of it overlap.</returns>
    public static bool TryParse(string text, out IdMap? map)
    {
        map = null;
        string[] fields = text.Split(':');
        if (fields.Length % 3 != 0 || fields.Length / 3 > MaximumRanges)
        {
            return false;
        }
        var ranges = new Range[fields.Length / 3];
        for (int i = 0; i < ranges.Length; i++)
        {
            if (!TryNumber(fields[3 * i], out uint image) || !TryNumber(fields[(3 * i) + 1], out uint shown)
                || !TryNumber(fields[(3 * i) + 2], out uint count) || count == 0
                || count > uint.MaxValue - image || count > uint.MaxValue - shown)
            {
                return false;
            }
            ranges[i] = new Range(image, shown, count);
            for (int j = 0; j < i; j++)
            {
                if (ranges[i].Overlaps(in ranges[j]))
                {
                    return false;
                }
            }
        }
        map = new IdMap(ranges);
        return true;
    }

    /// <summary>What an id of the image is shown as.</summary>
    public uint Shown(uint image)
    {
        foreach (ref readonly Range range in _ranges.AsSpan())
        {
            if (image - range.Image < range.Count)
            {
                return range.Shown + (image - range.Image);
            }
        }
        return Overflow;
    }

    /// <summary>Which id of the image is shown so.</summary>
    /// <returns>False when none is.</returns>
    public bool TryImage(uint shown, out uint image)
    {
        foreach (ref readonly Range range in _ranges.AsSpan())
        {
            if (shown - range.Shown < range.Count)
            {
                image = range.Image + (shown - range.Shown);
                return true;
            }
        }
        image = Overflow;
        return false;
    }

    private static bool TryNumber(string text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>uint.MaxValue is no id, so no sum of first and count overflows.</summary>
    private readonly record struct Range(uint Image, uint Shown, uint Count)
    {
        public bool Overlaps(in Range other) =>
            Meets(Image, Count, other.Image, other.Count) || Meets(Shown, Count, other.Shown, other.Count);

        private static bool Meets(uint first, uint count, uint otherFirst, uint otherCount) =>
            first < otherFirst + otherCount && otherFirst < first + count;
    }
}

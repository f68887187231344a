namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Which blocks of a file the server has been told are written, and when: what it must not forget.</summary>
internal sealed class WrittenRanges
{
    private List<(long From, long To, long Stamp)> _ranges = [];

    public void Add(long from, long to, long stamp)
    {
        Remove(from, to);
        _ranges.Add((from, to, stamp));
    }

    public void Remove(long from, long to)
    {
        var rest = new List<(long, long, long)>();
        foreach ((long start, long end, long stamp) in _ranges)
        {
            if (start < Math.Min(end, from))
            {
                rest.Add((start, Math.Min(end, from), stamp));
            }
            if (end > Math.Max(start, to))
            {
                rest.Add((Math.Max(start, to), end, stamp));
            }
        }
        _ranges = rest;
    }

    /// <summary>Whether a byte of [from, to) was written before the stamp.</summary>
    public bool Overlaps(long from, long to, long before) =>
        _ranges.Any(range => range.From < to && from < range.To && range.Stamp < before);
}

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Which blocks of a file the server has been told are written, and when: what it must not forget.</summary>
internal sealed class WrittenRanges
{
    /// <summary>Ordered, without overlap.</summary>
    private readonly List<(long From, long To, long Stamp)> _ranges = [];

    public void Add(long from, long to, long stamp)
    {
        if (from >= to)
        {
            return;
        }
        Remove(from, to);
        _ranges.Insert(FirstEndingBehind(from), (from, to, stamp));
    }

    public void Remove(long from, long to)
    {
        int first = FirstEndingBehind(from);
        int end = first;
        while (end < _ranges.Count && _ranges[end].From < to)
        {
            end++;
        }
        if (first == end || from >= to)
        {
            return;
        }
        (long From, long To, long Stamp) head = _ranges[first];
        (long From, long To, long Stamp) tail = _ranges[end - 1];
        _ranges.RemoveRange(first, end - first);
        if (tail.To > to)
        {
            _ranges.Insert(first, tail with { From = to });
        }
        if (head.From < from)
        {
            _ranges.Insert(first, head with { To = from });
        }
    }

    /// <summary>Whether a byte of [from, to) was written before the stamp.</summary>
    public bool Overlaps(long from, long to, long before)
    {
        for (int index = FirstEndingBehind(from); index < _ranges.Count && _ranges[index].From < to; index++)
        {
            if (_ranges[index].Stamp < before)
            {
                return true;
            }
        }
        return false;
    }

    private int FirstEndingBehind(long place)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].To <= place ? (middle + 1, high) : (low, middle);
        }
        return low;
    }
}

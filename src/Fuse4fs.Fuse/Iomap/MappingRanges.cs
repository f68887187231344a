namespace Fuse4fs.Fuse.Iomap;

/// <summary>Ranges of a file without overlap, in order: one for each mapping that was uploaded.</summary>
internal sealed class MappingRanges
{
    private (long From, long To)[] _ranges = [];

    public int Count { get; private set; }

    /// <summary>Adds a range in place of whatever it overlaps.</summary>
    public void Add(long from, long to)
    {
        Remove(from, to);
        int index = FirstEndingBehind(from);
        Insert(index, (from, to));
    }

    /// <summary>Cuts a range out.</summary>
    public void Remove(long from, long to)
    {
        int first = FirstEndingBehind(from);
        if (first == Count || _ranges[first].From >= to)
        {
            return;
        }
        (long From, long To) left = _ranges[first];
        if (left.From < from)
        {
            _ranges[first].To = from;
            first++;
            if (left.To > to)
            {
                Insert(first, (to, left.To));
                return;
            }
        }
        int last = first;
        while (last < Count && _ranges[last].To <= to)
        {
            last++;
        }
        if (last < Count && _ranges[last].From < to)
        {
            _ranges[last].From = to;
        }
        Array.Copy(_ranges, last, _ranges, first, Count - last);
        Count -= last - first;
    }

    /// <summary>Whether adding this would leave pieces of one range on both sides.</summary>
    public bool Splits(long from, long to)
    {
        int index = FirstEndingBehind(from);
        return index < Count && _ranges[index].From < from && _ranges[index].To > to;
    }

    public bool Covers(long from, long to)
    {
        for (int i = FirstEndingBehind(from); from < to; i++)
        {
            if (i == Count || _ranges[i].From > from)
            {
                return false;
            }
            from = _ranges[i].To;
        }
        return true;
    }

    /// <summary>Index of the first range that has a byte at this place or behind it.</summary>
    private int FirstEndingBehind(long place)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) / 2);
            if (_ranges[middle].To > place)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    private void Insert(int index, (long From, long To) range)
    {
        if (Count == _ranges.Length)
        {
            Array.Resize(ref _ranges, Math.Max(4, Count * 2));
        }
        Array.Copy(_ranges, index, _ranges, index + 1, Count - index);
        _ranges[index] = range;
        Count++;
    }
}

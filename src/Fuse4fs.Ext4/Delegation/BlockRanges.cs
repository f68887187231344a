namespace Fuse4fs.Ext4.Delegation;

/// <summary>A set of file blocks, as sorted ranges that neither touch nor overlap. Guarded by its owner.</summary>
internal sealed class BlockRanges
{
    private readonly List<(ulong First, ulong End)> _ranges = [];

    /// <summary>Blocks in the set.</summary>
    public ulong Count { get; private set; }

    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>The ranges, ascending.</summary>
    public IReadOnlyList<(ulong First, ulong End)> All => _ranges;

    /// <summary>The range that holds a block, or the first one behind it.</summary>
    /// <returns>False when there is neither.</returns>
    public bool TryFindFrom(ulong block, out ulong first, out ulong end)
    {
        int at = FirstEndingBehind(block);
        (first, end) = at < _ranges.Count ? _ranges[at] : default;
        return at < _ranges.Count;
    }

    /// <summary>Adds a range.</summary>
    /// <returns>Blocks that are new.</returns>
    public ulong Add(ulong first, ulong end)
    {
        if (first >= end)
        {
            return 0;
        }
        ulong before = Count;
        // Also a range that ends exactly where this one begins is joined.
        int from = first == 0 ? 0 : FirstEndingBehind(first - 1);
        int to = from;
        ulong joined = 0;
        while (to < _ranges.Count && _ranges[to].First <= end)
        {
            first = Math.Min(first, _ranges[to].First);
            end = Math.Max(end, _ranges[to].End);
            joined += _ranges[to].End - _ranges[to].First;
            to++;
        }
        _ranges.RemoveRange(from, to - from);
        _ranges.Insert(from, (first, end));
        Count += end - first - joined;
        return Count - before;
    }

    /// <summary>Takes a range out.</summary>
    /// <returns>Blocks that were in the set.</returns>
    public ulong Remove(ulong first, ulong end)
    {
        ulong before = Count;
        int at = FirstEndingBehind(first);
        while (at < _ranges.Count && _ranges[at].First < end)
        {
            (ulong oldFirst, ulong oldEnd) = _ranges[at];
            _ranges.RemoveAt(at);
            Count -= oldEnd - oldFirst;
            if (oldFirst < first)
            {
                _ranges.Insert(at++, (oldFirst, first));
                Count += first - oldFirst;
            }
            if (oldEnd > end)
            {
                _ranges.Insert(at++, (end, oldEnd));
                Count += oldEnd - end;
            }
        }
        return before - Count;
    }

    /// <summary>Makes it empty.</summary>
    public void Clear()
    {
        _ranges.Clear();
        Count = 0;
    }

    private int FirstEndingBehind(ulong block)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].End <= block)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}

namespace Fuse4fs.Ext4.Mapping;

/// <summary>What is known of a file's map: one stretch of it as a sorted array, bounded, so that a file of millions of
/// extents costs no more memory than another. Belongs to an inode object.</summary>
/// <remarks>Has a lock of its own, held for a search or an update in memory, never across I/O: readers that hold the
/// inode's lock shared fill the cache.</remarks>
internal sealed class MapCache
{
    private const int Capacity = 2 * MapWindow.Capacity;
    private const int KeptWhenUnused = 64;

    private readonly Lock _gate = new();
    private Extent[] _extents = [];
    private int _count;

    /// <summary>The stretch covered is from here up to <see cref="_end"/>; empty when both are equal.</summary>
    private uint _first;
    private ulong _end;

    /// <summary>Answers from memory.</summary>
    /// <returns>False when the block is outside the stretch known.</returns>
    public bool TryFind(uint fileBlock, out MapRun run)
    {
        lock (_gate)
        {
            if (fileBlock < _first || fileBlock >= _end)
            {
                run = default;
                return false;
            }
            run = ExtentSearch.RunAt(_extents.AsSpan(0, _count), _end, fileBlock);
            return true;
        }
    }

    /// <summary>Takes over what was read from the image: joined to what is known where it fits, else in its place.
    /// </summary>
    public void Fill(MapWindow window)
    {
        lock (_gate)
        {
            ReadOnlySpan<Extent> fresh = window.Extents;
            bool isJoined = _first < _end && _count + fresh.Length <= Capacity;
            if (isJoined && window.First == _end)
            {
                Reserve(_count + fresh.Length);
                fresh.CopyTo(_extents.AsSpan(_count));
                MergeAt(_count, fresh.Length);
                _end = window.End;
            }
            else if (isJoined && window.End == _first)
            {
                Reserve(_count + fresh.Length);
                _extents.AsSpan(0, _count).CopyTo(_extents.AsSpan(fresh.Length));
                fresh.CopyTo(_extents);
                MergeAt(fresh.Length, _count);
                _first = window.First;
            }
            else
            {
                Reserve(fresh.Length);
                fresh.CopyTo(_extents);
                (_count, _first, _end) = (fresh.Length, window.First, window.End);
            }
        }
    }

    /// <summary>The file's map changed: these blocks are mapped so from now on.</summary>
    public void Set(in Extent extent)
    {
        lock (_gate)
        {
            if (!TryCarve(extent.FirstFileBlock, extent.EndFileBlock))
            {
                return;
            }
            int at = ExtentSearch.FirstBehind(_extents.AsSpan(0, _count), extent.FirstFileBlock);
            if (at > 0 && Joins(in _extents[at - 1], in extent))
            {
                _extents[at - 1] = Join(in _extents[at - 1], in extent);
                if (at < _count && Joins(in _extents[at - 1], in _extents[at]))
                {
                    _extents[at - 1] = Join(in _extents[at - 1], in _extents[at]);
                    Replace(at, 1, []);
                }
            }
            else if (at < _count && Joins(in extent, in _extents[at]))
            {
                _extents[at] = Join(in extent, in _extents[at]);
            }
            else
            {
                Replace(at, 0, [extent]);
            }
        }
    }

    /// <summary>The file's map changed: this range is a hole from now on.</summary>
    public void Remove(uint first, ulong end)
    {
        lock (_gate)
        {
            TryCarve(first, end);
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            (_count, _first, _end) = (0, 0, 0);
        }
    }

    /// <summary>Takes so much memory that few may do so without being in use. Racy: only an estimate is needed.</summary>
    public bool IsLong => _extents.Length > KeptWhenUnused;

    /// <summary>Nobody refers to the inode any more: a long map is not worth its memory.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            if (_extents.Length > KeptWhenUnused)
            {
                (_extents, _count, _first, _end) = ([], 0, 0, 0);
            }
        }
    }

    /// <summary>Makes a range a hole, as far as the stretch known is concerned.</summary>
    /// <returns>False when nothing is known of the range afterwards.</returns>
    private bool TryCarve(uint first, ulong end)
    {
        if (first >= _end || end <= _first)
        {
            return false;
        }
        if (first < _first || end > _end || _count + 2 > Capacity)
        {
            (_count, _first, _end) = (0, 0, 0);
            return false;
        }
        int from = ExtentSearch.FirstBehind(_extents.AsSpan(0, _count), first);
        if (from > 0 && _extents[from - 1].EndFileBlock > first)
        {
            from--;
        }
        int to = from;
        while (to < _count && _extents[to].FirstFileBlock < end)
        {
            to++;
        }
        if (from < to)
        {
            CarveEntries(from, to, first, end);
        }
        return true;
    }

    private void CarveEntries(int from, int to, uint first, ulong end)
    {
        Span<Extent> rests = stackalloc Extent[2];
        int count = 0;
        Extent left = _extents[from];
        Extent right = _extents[to - 1];
        if (left.FirstFileBlock < first)
        {
            rests[count++] = left with { LengthBlocks = first - left.FirstFileBlock };
        }
        if (right.EndFileBlock > end)
        {
            uint skip = (uint)(end - right.FirstFileBlock);
            rests[count++] = right with
            {
                FirstFileBlock = (uint)end,
                Start = right.Start + skip,
                LengthBlocks = right.LengthBlocks - skip,
            };
        }
        Replace(from, to - from, rests[..count]);
    }

    private void Replace(int at, int removed, ReadOnlySpan<Extent> inserted)
    {
        int count = _count - removed + inserted.Length;
        Reserve(count);
        _extents.AsSpan(at + removed, _count - at - removed).CopyTo(_extents.AsSpan(at + inserted.Length));
        inserted.CopyTo(_extents.AsSpan(at));
        _count = count;
    }

    /// <summary>Two sorted parts lie one behind the other: joins the extents at the seam when they continue each other.
    /// </summary>
    private void MergeAt(int seam, int behind)
    {
        _count = seam + behind;
        if (seam > 0 && behind > 0 && Joins(in _extents[seam - 1], in _extents[seam]))
        {
            _extents[seam - 1] = Join(in _extents[seam - 1], in _extents[seam]);
            Replace(seam, 1, []);
        }
    }

    private static bool Joins(in Extent left, in Extent right) =>
        left.IsContinuedBy(in right) && (ulong)left.LengthBlocks + right.LengthBlocks <= uint.MaxValue;

    private static Extent Join(in Extent left, in Extent right) =>
        left with { LengthBlocks = left.LengthBlocks + right.LengthBlocks };

    private void Reserve(int count)
    {
        if (_extents.Length < count)
        {
            Array.Resize(ref _extents, Math.Max(count, Math.Min(2 * _extents.Length, Capacity)));
        }
    }
}

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

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            (_count, _first, _end) = (0, 0, 0);
        }
    }

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

    /// <summary>Two sorted parts lie one behind the other: joins the extents at the seam when they continue each other.
    /// </summary>
    private void MergeAt(int seam, int behind)
    {
        _count = seam + behind;
        if (seam == 0 || behind == 0)
        {
            return;
        }
        ref Extent left = ref _extents[seam - 1];
        Extent right = _extents[seam];
        if (left.IsContinuedBy(in right) && (ulong)left.LengthBlocks + right.LengthBlocks <= uint.MaxValue)
        {
            left = left with { LengthBlocks = left.LengthBlocks + right.LengthBlocks };
            _extents.AsSpan(seam + 1, behind - 1).CopyTo(_extents.AsSpan(seam));
            _count--;
        }
    }

    private void Reserve(int count)
    {
        if (_extents.Length < count)
        {
            Array.Resize(ref _extents, Math.Max(count, Math.Min(2 * _extents.Length, Capacity)));
        }
    }
}

namespace Fuse4fs.Samples;

/// <summary>The blocks of one file, by their place in it. Guarded by the file's gate.</summary>
internal sealed class FileBlocks
{
    private readonly SortedList<long, (int Device, bool IsWritten)> _blocks = [];

    public int Count => _blocks.Count;

    /// <summary>The longest range around a block in which the device's blocks follow each other and are in the same state;
    /// no blocks at all likewise.</summary>
    /// <param name="place">In the file.</param>
    /// <param name="first">First block of the range.</param>
    /// <param name="end">The block behind the last; <see cref="long.MaxValue"/>: there is nothing more.</param>
    /// <returns>The device's block of the first, -1 for a hole; and whether they are written.</returns>
    public (int Device, bool IsWritten) Around(long place, out long first, out long end)
    {
        int index = IndexAtOrBehind(place);
        if (index == _blocks.Count || _blocks.Keys[index] > place)
        {
            first = index == 0 ? 0 : _blocks.Keys[index - 1] + 1;
            end = index == _blocks.Count ? long.MaxValue : _blocks.Keys[index];
            return (-1, false);
        }
        int left = index;
        int right = index;
        while (left > 0 && Follows(left - 1))
        {
            left--;
        }
        while (right + 1 < _blocks.Count && Follows(right))
        {
            right++;
        }
        first = _blocks.Keys[left];
        end = _blocks.Keys[right] + 1;
        return _blocks.Values[left];
    }

    public void Set(long place, int device, bool isWritten) => _blocks[place] = (device, isWritten);

    public bool Contains(long place) => _blocks.ContainsKey(place);

    /// <summary>Says of those there are in a range whether they are written.</summary>
    public void Mark(long first, long end, bool isWritten)
    {
        for (int i = IndexAtOrBehind(first); i < _blocks.Count && _blocks.Keys[i] < end; i++)
        {
            _blocks.SetValueAtIndex(i, (_blocks.Values[i].Device, isWritten));
        }
    }

    /// <summary>Gives back what there is in a range.</summary>
    public void Remove(long first, long end, BlockSpace space)
    {
        int index = IndexAtOrBehind(first);
        while (index < _blocks.Count && _blocks.Keys[index] < end)
        {
            space.Give(_blocks.Values[index].Device);
            _blocks.RemoveAt(index);
        }
    }

    private bool Follows(int index)
        => _blocks.Keys[index + 1] == _blocks.Keys[index] + 1
            && _blocks.Values[index + 1] == (_blocks.Values[index].Device + 1, _blocks.Values[index].IsWritten);

    private int IndexAtOrBehind(long place)
    {
        int low = 0;
        int high = _blocks.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _blocks.Keys[middle] < place ? (middle + 1, high) : (low, middle);
        }
        return low;
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The names of one leaf, put into the order of their keys. One per thread, used again for every
/// listing.</summary>
internal sealed class ListingBuffer
{
    /// <summary>Names that share a hash over many leaves are ordered together; more than this is damage.</summary>
    private const int MaximumEntries = 1 << 17;

    [ThreadStatic]
    private static ListingBuffer? t_instance;

    private ulong[] _keys = new ulong[256];
    private ulong[] _places = new ulong[256];

    private ListingBuffer()
    {
    }

    /// <summary>Names held.</summary>
    public int Count { get; private set; }

    /// <summary>Entries the sink took since <see cref="Begin"/>.</summary>
    public int Listed { get; set; }

    /// <summary>This thread's buffer, empty.</summary>
    public static ListingBuffer Begin()
    {
        ListingBuffer buffer = t_instance ??= new ListingBuffer();
        buffer.Count = 0;
        buffer.Listed = 0;
        return buffer;
    }

    /// <summary>The key of an entry.</summary>
    public ulong KeyAt(int index) => _keys[index];

    /// <summary>Where an entry's record is.</summary>
    public (uint FileBlock, int Offset) PlaceAt(int index) =>
        ((uint)(_places[index] >> 32), (int)(_places[index] & uint.MaxValue));

    /// <summary>Adds a name.</summary>
    /// <exception cref="Ext4CorruptException">Too many share a hash.</exception>
    public void Add(ulong key, uint fileBlock, int offset)
    {
        if (Count == _keys.Length)
        {
            if (Count >= MaximumEntries)
            {
                Ext4CorruptException.Throw(Corruption.HashTreeNode, $"directory index: {Count} names of one hash");
            }
            Array.Resize(ref _keys, 2 * Count);
            Array.Resize(ref _places, 2 * Count);
        }
        _keys[Count] = key;
        _places[Count] = ((ulong)fileBlock << 32) | (uint)offset;
        Count++;
    }

    /// <summary>Orders by key, equal keys by place.</summary>
    public void Sort()
    {
        Array.Sort(_keys, _places, 0, Count);
        for (int first = 0; first < Count;)
        {
            int end = EndOfTies(first);
            Array.Sort(_places, first, end - first);
            first = end;
        }
    }

    /// <summary>Behind the entries that share a key.</summary>
    public int EndOfTies(int first)
    {
        int end = first + 1;
        while (end < Count && _keys[end] == _keys[first])
        {
            end++;
        }
        return end;
    }

    /// <summary>Exchanges two entries of one key.</summary>
    public void Swap(int left, int right) => (_places[left], _places[right]) = (_places[right], _places[left]);

    /// <summary>Forgets the first entries.</summary>
    public void RemoveFirst(int count)
    {
        _keys.AsSpan(count, Count - count).CopyTo(_keys);
        _places.AsSpan(count, Count - count).CopyTo(_places);
        Count -= count;
    }
}

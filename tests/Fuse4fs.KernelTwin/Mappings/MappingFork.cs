using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Cached mappings of one kind of one file, ordered and without overlap. Section 7.1.</summary>
internal sealed class MappingFork
{
    public const int RecordBytes = 32;

    private static readonly Comparer<Mapping> s_places = Comparer<Mapping>.Create(ComparePlaces);

    private readonly List<Mapping> _records = [];

    /// <summary>Those with an address, by where they are on their device.</summary>
    private readonly SortedSet<Mapping> _placed = new(s_places);

    /// <summary>Longest there ever was among those: how far before an address one that reaches it may begin.</summary>
    private long _longest;

    public IReadOnlyList<Mapping> Records => _records;

    public int Bytes => _records.Count * RecordBytes;

    public void Clear()
    {
        _records.Clear();
        _placed.Clear();
        _longest = 0;
    }

    public Mapping? Find(long position)
    {
        int index = FirstEndingBehind(position);
        return index < _records.Count && _records[index].Contains(position) ? _records[index] : null;
    }

    /// <summary>Every record with a byte in [from, to).</summary>
    public IEnumerable<Mapping> Overlapping(long from, long to)
    {
        for (int index = FirstEndingBehind(from); index < _records.Count && _records[index].Offset < to; index++)
        {
            yield return _records[index];
        }
    }

    /// <summary>Every record with a byte of a device that this one has, too.</summary>
    public IEnumerable<Mapping> SharingBlocks(Mapping mapping)
    {
        ulong from = mapping.Address - Math.Min(mapping.Address, (ulong)_longest);
        ulong end = mapping.Address + (ulong)mapping.Length;
        SortedSet<Mapping> near = _placed.GetViewBetween(
            mapping with { Address = from, Offset = 0 }, mapping with { Address = end - 1, Offset = long.MaxValue });
        return near.Where(record => record.Address + (ulong)record.Length > mapping.Address);
    }

    public void Remove(long from, long to)
    {
        int first = FirstEndingBehind(from);
        int end = first;
        while (end < _records.Count && _records[end].Offset < to)
        {
            Displace(_records[end]);
            end++;
        }
        if (first == end)
        {
            return;
        }
        Mapping head = _records[first];
        Mapping tail = _records[end - 1];
        _records.RemoveRange(first, end - first);
        if (tail.End > to)
        {
            Put(first, tail.Part(to, tail.End));
        }
        if (head.Offset < from)
        {
            Put(first, head.Part(head.Offset, from));
        }
    }

    public void Insert(Mapping record)
    {
        Remove(record.Offset, record.End);
        int index = FirstEndingBehind(record.Offset);
        if (index > 0 && Continues(_records[index - 1], record))
        {
            Mapping first = Take(--index);
            record = first with { Length = first.Length + record.Length };
        }
        if (index < _records.Count && Continues(record, _records[index]))
        {
            record = record with { Length = record.Length + Take(index).Length };
        }
        Put(index, record);
    }

    private static int ComparePlaces(Mapping one, Mapping other)
    {
        int order = one.Device.CompareTo(other.Device);
        order = order != 0 ? order : one.Address.CompareTo(other.Address);
        return order != 0 ? order : one.Offset.CompareTo(other.Offset);
    }

    private static bool Continues(in Mapping first, in Mapping second) =>
        first.End == second.Offset && first.Type == second.Type && first.Flags == second.Flags
        && first.Device == second.Device
        && (!first.HasAddress || first.Address + (ulong)first.Length == second.Address);

    private Mapping Take(int index)
    {
        Mapping record = _records[index];
        Displace(record);
        _records.RemoveAt(index);
        return record;
    }

    private void Put(int index, in Mapping record)
    {
        _records.Insert(index, record);
        if (record.HasAddress)
        {
            _placed.Add(record);
            _longest = Math.Max(_longest, record.Length);
        }
    }

    private void Displace(in Mapping record)
    {
        if (record.HasAddress)
        {
            _placed.Remove(record);
        }
    }

    /// <summary>Index of the first record that has a byte at this place or behind it.</summary>
    private int FirstEndingBehind(long position)
    {
        int low = 0;
        int high = _records.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _records[middle].End <= position ? (middle + 1, high) : (low, middle);
        }
        return low;
    }
}

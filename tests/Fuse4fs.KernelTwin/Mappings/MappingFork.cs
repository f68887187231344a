using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>Cached mappings of one kind of one file, ordered and without overlap. Section 7.1.</summary>
internal sealed class MappingFork
{
    public const int RecordBytes = 32;
    private readonly SortedList<long, Mapping> _records = [];

    public IList<Mapping> Records => _records.Values;

    public int Bytes => _records.Count * RecordBytes;

    public void Clear() => _records.Clear();

    public Mapping? Find(long position)
    {
        int index = IndexAtOrBefore(position);
        return index >= 0 && _records.Values[index].Contains(position) ? _records.Values[index] : null;
    }

    /// <summary>Every record with a byte in [from, to).</summary>
    public IEnumerable<Mapping> Overlapping(long from, long to)
    {
        for (int index = Math.Max(0, IndexAtOrBefore(from)); index < _records.Count; index++)
        {
            Mapping record = _records.Values[index];
            if (record.Offset >= to)
            {
                yield break;
            }
            if (record.End > from)
            {
                yield return record;
            }
        }
    }

    public void Remove(long from, long to)
    {
        foreach (Mapping record in Overlapping(from, to).ToArray())
        {
            _records.Remove(record.Offset);
            if (record.Offset < from)
            {
                _records.Add(record.Offset, record.Part(record.Offset, from));
            }
            if (record.End > to)
            {
                _records.Add(to, record.Part(to, record.End));
            }
        }
    }

    public void Insert(Mapping record)
    {
        Remove(record.Offset, record.End);
        int before = IndexAtOrBefore(record.Offset);
        if (before >= 0 && Continues(_records.Values[before], record))
        {
            Mapping first = _records.Values[before];
            _records.RemoveAt(before);
            record = first with { Length = first.Length + record.Length };
        }
        if (_records.TryGetValue(record.End, out Mapping next) && Continues(record, next))
        {
            _records.Remove(next.Offset);
            record = record with { Length = record.Length + next.Length };
        }
        _records.Add(record.Offset, record);
    }

    private static bool Continues(in Mapping first, in Mapping second) =>
        first.End == second.Offset && first.Type == second.Type && first.Flags == second.Flags
        && first.Device == second.Device
        && (!first.HasAddress || first.Address + (ulong)first.Length == second.Address);

    private int IndexAtOrBefore(long position)
    {
        int low = 0;
        int high = _records.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (_records.Keys[middle] <= position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }
        return high;
    }
}

namespace Fuse4fs.Ext4.Directories;

/// <summary>The names of a leaf in the order of their hashes, to find where to split it. One per thread, used again.
/// </summary>
internal sealed class LeafOrder
{
    [ThreadStatic]
    private static LeafOrder? t_instance;

    private ulong[] _hashesAndOffsets = new ulong[512];
    private int[] _lengths = new int[512];

    private LeafOrder()
    {
    }

    public int Count { get; private set; }

    /// <summary>Orders the names of an area.</summary>
    public static LeafOrder Of(ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock, NameHasher hasher)
    {
        LeafOrder order = t_instance ??= new LeafOrder();
        order.Count = 0;
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed)
            {
                order.Add(hasher.Of(record).Major, record.Offset, LeafEditor.SmallestLength(record, layout));
            }
        }
        Array.Sort(order._hashesAndOffsets, order._lengths, 0, order.Count);
        return order;
    }

    public uint HashAt(int index) => (uint)(_hashesAndOffsets[index] >> 32);

    public int OffsetAt(int index) => (int)(_hashesAndOffsets[index] & uint.MaxValue);

    /// <summary>Where to split so that what is moved, the upper end, does not exceed half a block by more than half a
    /// record. Kernel: do_split.</summary>
    public int MiddleBySize(int halfBytes)
    {
        int moved = 0;
        for (int i = Count - 1; i >= 0; i--)
        {
            if (moved + (_lengths[i] / 2) > halfBytes)
            {
                return i + 1;
            }
            moved += _lengths[i];
        }
        return Count / 2;
    }

    private void Add(uint hash, int offset, int length)
    {
        if (Count == _lengths.Length)
        {
            Array.Resize(ref _hashesAndOffsets, 2 * Count);
            Array.Resize(ref _lengths, 2 * Count);
        }
        _hashesAndOffsets[Count] = ((ulong)hash << 32) | (uint)offset;
        _lengths[Count] = length;
        Count++;
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>One byte for each group: how long its longest free run may be. Finds the groups worth looking at on a
/// volume of any size, full or empty, by one pass of vector instructions.</summary>
/// <remarks>Bytes are written under the group's gate and read without it: a search that finds nothing may have raced,
/// and its caller looks again when anything was returned meanwhile.</remarks>
internal sealed class GroupIndex
{
    /// <summary>Nobody has looked at the group yet.</summary>
    public const byte Unknown = byte.MaxValue;

    private readonly byte[] _orders;

    /// <summary>Knows nothing of any group.</summary>
    public GroupIndex(uint groups)
    {
        _orders = GC.AllocateUninitializedArray<byte>(checked((int)groups));
        _orders.AsSpan().Fill(Unknown);
    }

    /// <summary>What is known of a group: <see cref="FreeMap.OrderOf"/> of a bound of its longest free run.</summary>
    public byte this[GroupNumber group]
    {
        get => Volatile.Read(ref _orders[group.Value]);
        set => Volatile.Write(ref _orders[group.Value], value);
    }

    /// <summary>First group from one on, up to another, whose longest run may have at least the order.</summary>
    public bool TryFind(uint from, uint end, byte order, out GroupNumber group)
    {
        int found = _orders.AsSpan((int)from, (int)(end - from)).IndexOfAnyInRange(order, Unknown);
        group = new GroupNumber(from + (uint)Math.Max(found, 0));
        return found >= 0;
    }
}

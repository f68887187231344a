using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Where contents of a hash were last seen: attribute blocks, or inodes with values, that another inode may
/// share. Bounded; the oldest are forgotten first. What it says is a hint: the contents are compared. The caller holds the
/// lock that guards what is counted. Kernel: mb_cache.</summary>
internal sealed class HashIndex
{
    /// <summary>Entries take about 50 bytes each.</summary>
    public const int Capacity = 1 << 14;

    private readonly Dictionary<uint, ulong> _places = [];
    private readonly Queue<uint> _order = new();

    /// <summary>Remembers the place; of several with one hash the newest.</summary>
    public void Add(uint hash, ulong place)
    {
        ref ulong known = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, hash, out bool exists);
        known = place;
        if (exists)
        {
            return;
        }
        _order.Enqueue(hash);
        while (_order.Count > Capacity)
        {
            _places.Remove(_order.Dequeue());
        }
    }

    /// <summary>Looks for contents of a hash.</summary>
    public bool TryFind(uint hash, out ulong place) => _places.TryGetValue(hash, out place);

    /// <summary>The place holds these contents no more, or must not be shared.</summary>
    public void Remove(uint hash, ulong place)
    {
        // The hash stays in the order: a later entry of it is then forgotten a little early.
        if (_places.TryGetValue(hash, out ulong known) && known == place)
        {
            _places.Remove(hash);
        }
    }
}

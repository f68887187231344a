using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Bounds the memory of all groups' maps: drops those that were not used for longest (second chance) and of
/// which nothing is reserved, held or returning.</summary>
internal sealed class MapBudget(GroupTable groups, long capacityBytes)
{
    private readonly Lock _gate = new();
    private readonly Queue<GroupNumber> _holders = new();
    private long _usedBytes;

    /// <summary>Bytes of all maps.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>Enters a map that was loaded. The caller holds the group's gate.</summary>
    public void Add(GroupState state, GroupNumber group, int sizeBytes)
    {
        Interlocked.Add(ref _usedBytes, sizeBytes);
        if (!state.IsListed)
        {
            state.IsListed = true;
            lock (_gate)
            {
                _holders.Enqueue(group);
            }
        }
    }

    /// <summary>The groups that hold maps now.</summary>
    public GroupNumber[] Holders()
    {
        lock (_gate)
        {
            return [.. _holders];
        }
    }

    /// <summary>Drops maps until the rest fit. Called with no gate held.</summary>
    public void Trim()
    {
        for (int steps = 0; UsedBytes > capacityBytes && steps < 256; steps++)
        {
            GroupNumber group;
            lock (_gate)
            {
                if (!_holders.TryDequeue(out group))
                {
                    return;
                }
            }
            lock (groups.Gate(group))
            {
                GroupState state = groups.State(group);
                if (state.Held > 0 || state.WasUsed)
                {
                    state.WasUsed = false;
                    lock (_gate)
                    {
                        _holders.Enqueue(group);
                    }
                    continue;
                }
                Interlocked.Add(ref _usedBytes, -((state.Blocks?.SizeBytes ?? 0) + (state.Inodes?.SizeBytes ?? 0)));
                state.Blocks = null;
                state.Inodes = null;
                state.IsListed = false;
            }
        }
    }
}

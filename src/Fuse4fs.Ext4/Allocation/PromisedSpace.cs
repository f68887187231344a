namespace Fuse4fs.Ext4.Allocation;

/// <summary>Clusters set aside for nodes of maps that data accepted already may turn out to need. Whoever needs a node may
/// take from it when nothing else is free; the promises together never exceed what was set aside for them.</summary>
internal sealed class PromisedSpace(FreeCounter counter)
{
    private readonly Lock _gate = new();
    private long _promised;
    private long _kept;

    /// <summary>Sets clusters aside.</summary>
    /// <param name="count">How many; all or none.</param>
    /// <param name="floor">So many must stay free beside them.</param>
    public bool TryPromise(long count, long floor)
    {
        long granted = counter.Claim(count, floor);
        if (granted < count)
        {
            counter.Cancel(granted);
            return false;
        }
        lock (_gate)
        {
            _promised += count;
            _kept += count;
        }
        return true;
    }

    /// <summary>Ends promises. What was not taken meanwhile is free again.</summary>
    public void Release(long count)
    {
        lock (_gate)
        {
            _promised -= count;
            long surplus = _kept - _promised;
            if (surplus > 0)
            {
                _kept -= surplus;
                counter.Cancel(surplus);
            }
        }
    }

    /// <summary>Takes a cluster for a node.</summary>
    public long Take(long wanted)
    {
        lock (_gate)
        {
            long taken = Math.Min(wanted, _kept);
            _kept -= taken;
            return taken;
        }
    }
}

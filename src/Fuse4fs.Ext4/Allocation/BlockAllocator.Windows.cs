using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <content>Preallocation windows.</content>
public sealed partial class BlockAllocator
{
    /// <summary>The largest window, bytes.</summary>
    private const uint MaximumWindowBytes = 8 << 20;

    private readonly Lock _windowsGate = new();
    private readonly HashSet<Preallocation> _withWindows = [];

    /// <summary>Windows for a file that is being opened for writing.</summary>
    public Preallocation CreatePreallocation() => new(_geometry.ClusterShift);

    /// <summary>Gives back all space kept for a file.</summary>
    public void ReleaseWindows(Preallocation windows)
    {
        ArgumentNullException.ThrowIfNull(windows);
        lock (_windowsGate)
        {
            _withWindows.Remove(windows);
            windows.IsListed = false;
        }
        ReleaseRuns(windows);
    }

    /// <summary>Gives back all space kept for any file.</summary>
    /// <returns>How many windows there were.</returns>
    internal int ReleaseAllWindows()
    {
        Preallocation[] all;
        lock (_windowsGate)
        {
            all = [.. _withWindows];
            foreach (Preallocation windows in all)
            {
                windows.IsListed = false;
            }
            _withWindows.Clear();
        }
        int released = 0;
        foreach (Preallocation windows in all)
        {
            released += ReleaseRuns(windows);
        }
        return released;
    }

    private int ReleaseRuns(Preallocation windows)
    {
        Interlocked.Increment(ref _movers);
        try
        {
            Array.ForEach(windows.TakeFrontiers(), RemoveFrontier);
            List<BlockRun> runs = windows.TakeAll();
            runs.ForEach(GiveBack);
            return runs.Count;
        }
        finally
        {
            Interlocked.Decrement(ref _movers);
        }
    }

    private void KeepWindow(Preallocation windows, uint fileCluster, BlockRun rest)
    {
        GiveBack(windows.Keep(fileCluster, rest));
        Interlocked.Increment(ref _moves);
        List(windows);
    }

    private void List(Preallocation windows)
    {
        lock (_windowsGate)
        {
            if (!windows.IsListed)
            {
                windows.IsListed = true;
                _withWindows.Add(windows);
            }
        }
    }

    /// <summary>A file that is being written ends somewhere else now.</summary>
    private void MoveFrontier(Preallocation windows, FsBlock from, FsBlock to)
    {
        RemoveFrontier(windows.MoveFrontier(from, to));
        if (to.Value < _geometry.BlockCount)
        {
            GroupNumber group = _geometry.GroupOf(to);
            lock (_groups.Gate(group))
            {
                GroupState state = _groups.State(group);
                state.Frontiers ??= [];
                state.Frontiers.Add(ClusterOf(group, to));
            }
        }
        List(windows);
    }

    private void RemoveFrontier(FsBlock frontier)
    {
        if (frontier.Value == 0 || frontier.Value >= _geometry.BlockCount)
        {
            return;
        }
        GroupNumber group = _geometry.GroupOf(frontier);
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            if (state.Frontiers?.Remove(ClusterOf(group, frontier)) == true && state.Frontiers.Count == 0)
            {
                state.Frontiers = null;
            }
        }
    }

    private int ClusterOf(GroupNumber group, FsBlock block) =>
        (int)((block.Value - _geometry.FirstBlock(group).Value) >> _geometry.ClusterShift);
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <content>What is free: listed, and told to the device (FITRIM).</content>
public sealed partial class BlockAllocator
{
    /// <summary>Tells the device which blocks are unused: every free run in a range that is long enough. Free means
    /// free in a durable commit.</summary>
    /// <param name="first">First block.</param>
    /// <param name="end">Block behind the last one.</param>
    /// <param name="minimumBlocks">Shorter runs are left out.</param>
    /// <param name="cancellation">Ends it early, between two runs.</param>
    /// <returns>Blocks discarded.</returns>
    /// <exception cref="Storage.DeviceException">A discard failed.</exception>
    /// <remarks>Kernel: ext4_trim_fs. A group all of whose long runs were discarded since anything returned to it is
    /// skipped.</remarks>
    public ulong Trim(FsBlock first, FsBlock end, uint minimumBlocks, CancellationToken cancellation)
    {
        ulong start = Math.Max(first.Value, _geometry.FirstDataBlock);
        ulong limit = Math.Min(end.Value, _geometry.BlockCount);
        int minimum = (int)Math.Clamp(
            ((ulong)minimumBlocks + _geometry.BlocksPerCluster - 1) >> _geometry.ClusterShift, 1, int.MaxValue);
        ulong trimmed = 0;
        while (start < limit && minimum <= _geometry.ClustersPerGroup && !cancellation.IsCancellationRequested)
        {
            GroupNumber group = _geometry.GroupOf(new FsBlock(start));
            ulong groupStart = _geometry.FirstBlock(group).Value;
            ulong groupEnd = groupStart + _geometry.BlocksIn(group);
            if (TryLoad(group))
            {
                int from = (int)((start - groupStart + _geometry.BlocksPerCluster - 1) >> _geometry.ClusterShift);
                int to = limit >= groupEnd
                    ? (int)_geometry.ClustersIn(group)
                    : (int)((limit - groupStart) >> _geometry.ClusterShift);
                trimmed += TrimGroup(group, from, to, minimum, cancellation);
            }
            _budget.Trim();
            start = groupEnd;
        }
        return trimmed;
    }

    /// <summary>A group's free runs, in order; none of a damaged group.</summary>
    internal List<BlockRun> FreeRuns(GroupNumber group)
    {
        var runs = new List<BlockRun>();
        if (TryLoad(group))
        {
            lock (_groups.Gate(group))
            {
                GroupState state = _groups.State(group);
                int end = (int)_geometry.ClustersIn(group);
                int from = 0;
                while (state.Blocks is not null && state.Blocks.NextRun(from, end, out int start, out int length))
                {
                    runs.Add(RunOf(new GroupPart(group, start, length)));
                    from = start + length;
                }
            }
            _budget.Trim();
        }
        return runs;
    }

    private ulong TrimGroup(GroupNumber group, int from, int end, int minimum, CancellationToken cancellation)
    {
        bool isWhole = from == 0 && end == (int)_geometry.ClustersIn(group);
        GroupState state = _groups.State(group);
        int returns;
        lock (_groups.Gate(group))
        {
            if (state.TrimmedRuns > 0 && state.TrimmedRuns <= minimum)
            {
                return 0;
            }
            returns = state.Returns;
        }
        ulong trimmed = 0;
        while (!cancellation.IsCancellationRequested && TryTrimRun(group, ref from, end, minimum, out uint blocks))
        {
            trimmed += blocks;
        }
        lock (_groups.Gate(group))
        {
            if (isWhole && !cancellation.IsCancellationRequested && returns == state.Returns)
            {
                state.TrimmedRuns = minimum;
            }
        }
        return trimmed;
    }

    private bool TryTrimRun(GroupNumber group, ref int from, int end, int minimum, out uint blocks)
    {
        blocks = 0;
        Interlocked.Increment(ref _movers);
        try
        {
            if (!TryHoldRun(group, from, end, minimum, out GroupPart part))
            {
                return false;
            }
            from = part.Start + part.Length;
            try
            {
                BlockRun run = RunOf(part);
                int shift = _geometry.BlockSizeShift;
                _context.Device.Discard((long)run.Start.Value << shift, (long)run.LengthBlocks << shift);
                blocks = run.LengthBlocks;
            }
            finally
            {
                GiveBack(part, isNews: false);
            }
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _movers);
        }
    }

    /// <summary>Takes the next long free run so that nobody writes to it while it is discarded. It still counts as
    /// free.
    /// </summary>
    private bool TryHoldRun(GroupNumber group, int from, int end, int minimum, out GroupPart part)
    {
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            while (state.Blocks is not null && state.Blocks.NextRun(from, end, out int start, out int length))
            {
                if (length >= minimum)
                {
                    Take(group, state, state.Blocks, start, length, isSmall: false);
                    part = new GroupPart(group, start, length);
                    return true;
                }
                from = start + length;
            }
        }
        part = default;
        return false;
    }
}

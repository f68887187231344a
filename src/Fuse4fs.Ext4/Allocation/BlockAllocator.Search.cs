using System.Numerics;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <content>Finding free space.</content>
public sealed partial class BlockAllocator
{
    /// <summary>Requests below this go to the first place that fits, so that small files lie together.</summary>
    private const uint SmallClusters = 16;

    /// <summary>How many groups a growing file passes by because others grow there.</summary>
    private const int UnclaimedGroups = 64;

    /// <summary>Long runs start on a multiple of their length rounded up to a power of two, up to this.</summary>
    private const uint MaximumAlignment = 2048;

    /// <summary>A window takes at most this part of what is free.</summary>
    private const int WindowShare = 16;

    /// <summary>Kernel: EXT4_FLEX_SIZE_DIR_ALLOC_SCHEME. From so many groups in a flexible group on, its first one is
    /// left to directories and tree blocks.</summary>
    private const int LogGroupsWithDirectoryGroup = 2;

    /// <summary>Finds a place for clusters that were claimed, and keeps a window behind it for a file that
    /// grows.</summary>
    private bool TryLocate(in AllocationGoal goal, uint wanted, out BlockRun run)
    {
        uint target = Math.Max(wanted, AheadOf(in goal, wanted));
        int isMover = target > wanted ? 1 : 0;
        Interlocked.Add(ref _movers, isMover);
        try
        {
            if (!TryTakeNear(in goal, target, out run) && !TryTakeByOrder(in goal, target, out run))
            {
                return false;
            }
            if (IsStream(in goal))
            {
                MoveFrontier(goal.Windows!, goal.Near, run.End);
            }
            uint wantedBlocks = wanted << _geometry.ClusterShift;
            if (run.LengthBlocks > wantedBlocks)
            {
                var rest = new BlockRun(run.Start + wantedBlocks, run.LengthBlocks - wantedBlocks);
                run = run with { LengthBlocks = wantedBlocks };
                KeepWindow(goal.Windows!, goal.FileCluster + wanted, rest);
            }
            return true;
        }
        finally
        {
            Interlocked.Add(ref _movers, -isMover);
        }
    }

    /// <summary>After a search found nothing although space had been granted: whether it was only on its way, from the
    /// maps to a window, from a window to the maps, or held for being discarded.</summary>
    private bool WaitForMovedSpace(long movesBefore)
    {
        if (Volatile.Read(ref _moves) != movesBefore)
        {
            return true;
        }
        if (Volatile.Read(ref _movers) == 0)
        {
            // Whoever was moving some may have finished between the two looks.
            return Volatile.Read(ref _moves) != movesBefore;
        }
        Thread.Sleep(1);
        return true;
    }

    /// <summary>A file that may go on growing where it ends.</summary>
    private static bool IsStream(in AllocationGoal goal) =>
        goal.Windows is not null && goal.FileClusters > SmallClusters;

    /// <summary>Clusters to take for a growing file, with those wanted now: as many as it has, rounded up to a power
    /// of two and ending at a multiple of that. Kernel: ext4_mb_normalize_request.</summary>
    private uint AheadOf(in AllocationGoal goal, uint wanted)
    {
        if (!IsStream(in goal))
        {
            return wanted;
        }
        uint maximum = Math.Max(1, MaximumWindowBytes / (uint)_geometry.BlockSizeBytes >> _geometry.ClusterShift);
        long plenty = (_counter.Free - _limits.Floor(SpaceClaim.Ordinary)) / WindowShare;
        uint size = (uint)Math.Min(BitOperations.RoundUpToPowerOf2(goal.FileClusters), maximum);
        if (plenty < size)
        {
            return wanted;
        }
        ulong end = ((ulong)goal.FileCluster + wanted + size - 1) / size * size;
        ulong ahead = Math.Min(end - goal.FileCluster, _geometry.ClustersPerGroup);
        ahead = goal.HoleClusters > 0 ? Math.Min(ahead, goal.HoleClusters) : ahead;
        return (uint)Math.Min(ahead, uint.MaxValue - goal.FileCluster);
    }

    /// <summary>Continues the file where it ends, however little is free there: that never adds an extent.</summary>
    private bool TryTakeNear(in AllocationGoal goal, uint target, out BlockRun run)
    {
        run = default;
        FsBlock near = goal.Near;
        if (near.Value < _geometry.FirstDataBlock || near.Value >= _geometry.BlockCount)
        {
            return false;
        }
        GroupNumber group = _geometry.GroupOf(near);
        ulong offset = near.Value - _geometry.FirstBlock(group).Value;
        if (near.Value == 0 || group.Value >= GroupLimit(in goal) || (offset & (_geometry.BlocksPerCluster - 1)) != 0 || !TryLoad(group))
        {
            return false;
        }
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            int start = (int)(offset >> _geometry.ClusterShift);
            int length = state.Blocks?.FreeAt(start, (int)Math.Min(target, _geometry.ClustersPerGroup)) ?? 0;
            if (length == 0)
            {
                return false;
            }
            run = Take(group, state, state.Blocks!, start, length, isSmall: false);
            return true;
        }
    }

    /// <summary>Looks for a run as long as wanted, first near the goal and then everywhere, before settling for half as
    /// much.</summary>
    private bool TryTakeByOrder(in AllocationGoal goal, uint target, out BlockRun run)
    {
        uint home = Math.Min(HomeOf(in goal).Value, GroupLimit(in goal) - 1);
        int wanted = (int)Math.Min(target, _geometry.ClustersPerGroup);
        byte first = FreeMap.OrderOf(wanted);
        if (IsStream(in goal) && TryTakeUnclaimed(in goal, home, first, wanted, out run))
        {
            return true;
        }
        for (byte order = first; order > 0; order--)
        {
            if (TryTakeBetween(in goal, home, GroupLimit(in goal), order, wanted, out run)
                || TryTakeBetween(in goal, 0, home, order, wanted, out run))
            {
                return true;
            }
        }
        run = default;
        return false;
    }

    /// <summary>Looks for a group in which no other file is growing, not too far away.</summary>
    private bool TryTakeUnclaimed(in AllocationGoal goal, uint home, byte order, int wanted, out BlockRun run)
    {
        uint from = home;
        for (int i = 0; i < UnclaimedGroups && from < GroupLimit(in goal); i++)
        {
            if (!_index.TryFind(from, GroupLimit(in goal), order, out GroupNumber group))
            {
                break;
            }
            if (Volatile.Read(ref _groups.State(group).Frontiers) is null
                && TryTakeBetween(in goal, group.Value, group.Value + 1, order, wanted, out run))
            {
                return true;
            }
            from = group.Value + 1;
        }
        run = default;
        return false;
    }

    private bool TryTakeBetween(
        in AllocationGoal goal, uint from, uint end, byte order, int wanted, out BlockRun run)
    {
        while (from < end && _index.TryFind(from, end, order, out GroupNumber group))
        {
            from = group.Value + 1;
            if (_index[group] == GroupIndex.Unknown && !MayHold(group, order))
            {
                continue;
            }
            if (TryLoad(group) && TryTakeIn(group, in goal, order, wanted, out run))
            {
                return true;
            }
        }
        run = default;
        return false;
    }

    private bool TryTakeIn(GroupNumber group, in AllocationGoal goal, byte order, int wanted, out BlockRun run)
    {
        run = default;
        lock (_groups.Gate(group))
        {
            GroupState state = _groups.State(group);
            if (state.Blocks is not FreeMap map)
            {
                // Dropped again to save memory: what it has must not be taken for nothing.
                Interlocked.Increment(ref _moves);
                return false;
            }
            bool isSmall = wanted < SmallClusters;
            bool isNear = goal.Near.Value > 0 && _geometry.GroupOf(goal.Near) == group;
            int from = isNear
                ? (int)((goal.Near.Value - _geometry.FirstBlock(group).Value) >> _geometry.ClusterShift)
                : isSmall ? map.Cursor : 0;
            ReadOnlySpan<int> frontiers = CollectionsMarshal.AsSpan(state.Frontiers);
            FreeRun found = map.Find(from, wanted, isSmall, AlignmentOf(group, wanted), frontiers);
            _index[group] = FreeMap.OrderOf(map.LongestBound);
            if (found.Length < Math.Min(wanted, 1 << (order - 1)))
            {
                return false;
            }
            run = Take(group, state, map, found.Start, Math.Min(found.Length, wanted), isSmall && !isNear);
            return true;
        }
    }

    private RunAlignment AlignmentOf(GroupNumber group, int wanted)
    {
        if (_stripeClusters > 0 && (uint)wanted >= _stripeClusters)
        {
            return new RunAlignment(_stripeClusters, _geometry.FirstBlock(group).Value >> _geometry.ClusterShift);
        }
        return (uint)wanted >= SmallClusters
            ? new RunAlignment(Math.Min(BitOperations.RoundUpToPowerOf2((uint)wanted), MaximumAlignment), 0)
            : default;
    }

    /// <summary>Under the gate.</summary>
    private BlockRun Take(GroupNumber group, GroupState state, FreeMap map, int start, int length, bool isSmall)
    {
        map.Take(start, length, isSmall);
        state.Held += length;
        state.WasUsed = true;
        _index[group] = FreeMap.OrderOf(map.LongestBound);
        return new BlockRun(
            _geometry.FirstBlock(group) + ((ulong)start << _geometry.ClusterShift),
            (uint)length << _geometry.ClusterShift);
    }

    /// <summary>First group that is not to be looked at. Kernel: s_blockfile_groups.</summary>
    private uint GroupLimit(in AllocationGoal goal) => goal.IsBlockMapped
        ? Math.Min(_geometry.GroupCount, uint.MaxValue / _geometry.BlocksPerGroup)
        : _geometry.GroupCount;

    /// <summary>Asks a group's descriptor, before its bitmap is read, whether it can have a run of an order.</summary>
    private bool MayHold(GroupNumber group, byte order)
    {
        try
        {
            using GroupLease descriptor = _groups.Open(group);
            byte bound = FreeMap.OrderOf((int)Math.Min(descriptor.View.FreeClusters, _geometry.ClustersPerGroup));
            lock (_groups.Gate(group))
            {
                if (_index[group] == GroupIndex.Unknown)
                {
                    _index[group] = bound;
                }
            }
            return bound >= order;
        }
        catch (Exception damaged) when (damaged is Ext4CorruptException or Storage.DeviceException)
        {
            // Loading it fails the same way and takes it out of service.
            return true;
        }
    }

    /// <summary>Brings a group's map into memory; a damaged group is taken out of the counts, once.</summary>
    private bool TryLoad(GroupNumber group)
    {
        if (_maps.TryLoad(group, out uint excluded))
        {
            return true;
        }
        lock (_groups.Gate(group))
        {
            _index[group] = 0;
        }
        _counter.Exclude(excluded);
        return false;
    }

    /// <summary>The group where a search begins. Kernel: ext4_inode_to_goal_block, ext4_ext_find_goal.</summary>
    private GroupNumber HomeOf(in AllocationGoal goal)
    {
        if (goal.Near.Value > 0 && _geometry.IsDataRange(goal.Near, 1))
        {
            return _geometry.GroupOf(goal.Near);
        }
        GroupNumber home = HomeOfOwner(in goal);
        if (IsStream(in goal))
        {
            // Whoever writes far inside a file leaves as much room on the device as there is in the file before him.
            ulong shifted = home.Value + ((ulong)goal.FileCluster / _geometry.ClustersPerGroup);
            return shifted < _geometry.GroupCount ? new GroupNumber((uint)shifted) : home;
        }
        return home;
    }

    private GroupNumber HomeOfOwner(in AllocationGoal goal)
    {
        uint group = _geometry.GroupOf(goal.Owner).Value;
        if (_geometry.LogGroupsPerFlex >= LogGroupsWithDirectoryGroup)
        {
            group &= ~((1u << _geometry.LogGroupsPerFlex) - 1);
            group += goal.IsFileData ? 1u : 0u;
        }
        return new GroupNumber(group < _geometry.GroupCount ? group : _geometry.GroupOf(goal.Owner).Value);
    }
}

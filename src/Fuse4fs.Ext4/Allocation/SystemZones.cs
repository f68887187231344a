using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Which blocks hold the file system's own structures: superblocks, descriptors, bitmaps, inode tables, the
/// journal. They are never handed out, never freed, and no file may map them. Kernel: ext4_setup_system_zone.</summary>
/// <remarks>Known for the neighbourhood of every group in use at once, and for the whole volume when
/// <see cref="GroupSurvey"/> has run. Thread-safe.</remarks>
internal sealed class SystemZones(GroupTable groups)
{
    private readonly Lock _gate = new();
    private readonly List<Zone> _zones = [];
    private readonly HashSet<uint> _knownBlocks = [];

    /// <summary>Learns the structures of all groups whose descriptors lie near a group's own: in the same block, and
    /// those of the same flexible group.</summary>
    /// <exception cref="Ext4CorruptException">The group's own descriptor is damaged.</exception>
    public void LearnAround(GroupNumber group)
    {
        Geometry geometry = groups.Geometry;
        uint flexMask = (1u << geometry.LogGroupsPerFlex) - 1;
        uint first = (group.Value & ~flexMask) / geometry.DescriptorsPerBlock;
        uint last = Math.Min(group.Value | flexMask, geometry.GroupCount - 1) / geometry.DescriptorsPerBlock;
        // A flexible group may be as large as the volume: then the survey learns the rest.
        uint own = group.Value / geometry.DescriptorsPerBlock;
        for (uint block = Math.Max(first, own - Math.Min(own, 1)); block <= Math.Min(last, own + 1); block++)
        {
            LearnDescriptorBlock(block);
        }
    }

    /// <summary>Learns the structures of all groups with a descriptor in one block.</summary>
    public void LearnDescriptorBlock(uint index)
    {
        lock (_gate)
        {
            if (_knownBlocks.Contains(index))
            {
                return;
            }
        }
        Geometry geometry = groups.Geometry;
        uint end = Math.Min((index + 1) * geometry.DescriptorsPerBlock, geometry.GroupCount);
        for (uint number = index * geometry.DescriptorsPerBlock; number < end; number++)
        {
            Learn(new GroupNumber(number));
        }
        lock (_gate)
        {
            _knownBlocks.Add(index);
        }
    }

    /// <summary>Declares blocks the file system's own: also for the journal's, which no descriptor tells.</summary>
    public void Add(FsBlock start, ulong count)
    {
        if (count == 0)
        {
            return;
        }
        lock (_gate)
        {
            ulong first = start.Value;
            ulong end = first + count;
            int at = FirstEndingAtOrAfter(first);
            int merged = at;
            while (merged < _zones.Count && _zones[merged].Start <= end)
            {
                first = Math.Min(first, _zones[merged].Start);
                end = Math.Max(end, _zones[merged].End);
                merged++;
            }
            if (merged > at)
            {
                _zones[at] = new Zone(first, end);
                _zones.RemoveRange(at + 1, merged - at - 1);
            }
            else
            {
                _zones.Insert(at, new Zone(first, end));
            }
        }
    }

    /// <summary>True when a range touches the file system's own blocks.</summary>
    public bool Overlaps(FsBlock start, ulong count)
    {
        lock (_gate)
        {
            int at = FirstEndingAtOrAfter(start.Value + 1);
            return at < _zones.Count && _zones[at].Start < start.Value + count;
        }
    }

    /// <summary>The zones that touch a range, cut to it.</summary>
    public List<BlockRun> Within(FsBlock start, uint count)
    {
        var found = new List<BlockRun>();
        ulong end = start.Value + count;
        lock (_gate)
        {
            for (int at = FirstEndingAtOrAfter(start.Value + 1); at < _zones.Count && _zones[at].Start < end; at++)
            {
                ulong first = Math.Max(_zones[at].Start, start.Value);
                found.Add(new BlockRun(new FsBlock(first), (uint)(Math.Min(_zones[at].End, end) - first)));
            }
        }
        return found;
    }

    private void Learn(GroupNumber group)
    {
        Geometry geometry = groups.Geometry;
        Add(geometry.FirstBlock(group), GroupLayout.BaseBlocks(geometry, group));
        try
        {
            using GroupLease lease = groups.Open(group);
            Add(lease.View.BlockBitmap, 1);
            Add(lease.View.InodeBitmap, 1);
            Add(lease.View.InodeTable, geometry.InodeTableBlocks);
        }
        catch (Ext4CorruptException)
        {
            // Reported when the group itself is used; its neighbours need not fail for it.
        }
    }

    /// <summary>Index of the first zone whose end is at or behind a block. Zones are sorted and do not touch.</summary>
    private int FirstEndingAtOrAfter(ulong block)
    {
        int low = 0;
        int high = _zones.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_zones[middle].End >= block)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    private readonly record struct Zone(ulong Start, ulong End);
}

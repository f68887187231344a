using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Brings groups' maps into memory, checked, and drops those least used when there are too many.</summary>
internal sealed class BlockMaps
{
    private readonly VolumeContext _context;
    private readonly GroupTable _groups;
    private readonly SystemZones _zones;
    private readonly MapBudget _budget;

    /// <summary>Loads nothing yet.</summary>
    public BlockMaps(VolumeContext context, GroupTable groups, SystemZones zones, MapBudget budget)
    {
        _context = context;
        _groups = groups;
        _zones = zones;
        _budget = budget;
    }

    /// <summary>Makes sure that a group's map is in memory. May read; not under a gate.</summary>
    /// <param name="group">Which.</param>
    /// <param name="excluded">Free clusters that are lost because the group was found to be damaged just now.</param>
    /// <returns>False when the group is damaged; reported once, to the event sink.</returns>
    public bool TryLoad(GroupNumber group, out uint excluded)
    {
        excluded = 0;
        GroupState state = _groups.State(group);
        lock (_groups.Gate(group))
        {
            if (state.AreBlocksDamaged || state.Blocks is not null)
            {
                state.WasUsed = true;
                return !state.AreBlocksDamaged;
            }
        }
        try
        {
            Load(group, state);
            return true;
        }
        catch (Ext4CorruptException damage)
        {
            if (MarkDamaged(group, out excluded))
            {
                _context.Events.Damage(damage, InodeNumber.None);
            }
        }
        catch (DeviceException failure)
        {
            if (MarkDamaged(group, out excluded))
            {
                _context.Events.DeviceFailed(failure);
            }
        }
        return false;
    }

    /// <summary>Takes a group out of service.</summary>
    /// <param name="group">Which.</param>
    /// <param name="excluded">Its free clusters, as far as they counted.</param>
    /// <returns>False when it was already.</returns>
    public bool MarkDamaged(GroupNumber group, out uint excluded)
    {
        excluded = 0;
        GroupState state = _groups.State(group);
        uint free = FreeClustersOf(group);
        lock (_groups.Gate(group))
        {
            if (state.AreBlocksDamaged)
            {
                return false;
            }
            state.AreBlocksDamaged = true;
            excluded = state.Blocks is null ? free : (uint)state.Blocks.FreeClusters;
            return true;
        }
    }

    private uint FreeClustersOf(GroupNumber group)
    {
        try
        {
            using GroupLease lease = _groups.Open(group);
            return lease.View.FreeClusters;
        }
        catch (Exception unreadable) when (unreadable is Ext4CorruptException or DeviceException)
        {
            return 0;
        }
    }

    private void Load(GroupNumber group, GroupState state)
    {
        _zones.LearnAround(group);
        using GroupLease descriptor = _groups.Open(group);
        bool wasUninitialized;
        do
        {
            wasUninitialized = IsUninitialized(descriptor);
            if (wasUninitialized)
            {
                Compute(group, state, descriptor);
            }
            else
            {
                Read(group, state, descriptor);
            }
        }
        while (Volatile.Read(ref state.Blocks) is null && wasUninitialized);
    }

    private bool IsUninitialized(in GroupLease descriptor) =>
        _groups.FlagsOf(descriptor).HasFlag(GroupFlags.BlocksUninitialized);

    private void Compute(GroupNumber group, GroupState state, in GroupLease descriptor)
    {
        byte[] bitmap = new byte[_context.Geometry.BlockSizeBytes];
        GroupLayout.FillUninitialized(_context.Geometry, group, descriptor.View, bitmap);
        lock (_groups.Gate(group))
        {
            // Somebody may have initialised it meanwhile: then it is read after all.
            if (IsUninitialized(descriptor))
            {
                Adopt(group, state, descriptor, bitmap);
            }
        }
    }

    private void Read(GroupNumber group, GroupState state, in GroupLease descriptor)
    {
        using BlockLease bitmap = _context.Cache.Read(descriptor.View.BlockBitmap);
        lock (_groups.Gate(group))
        {
            if (!bitmap.IsVerified)
            {
                VerifyChecksum(group, descriptor, bitmap);
                bitmap.MarkVerified();
            }
            Adopt(group, state, descriptor, bitmap.Bytes);
        }
    }

    private void VerifyChecksum(GroupNumber group, in GroupLease descriptor, in BlockLease bitmap)
    {
        if (!_context.Checksums.IsEnabled)
        {
            return;
        }
        uint expected = _context.Checksums.OfBlockBitmap(bitmap.Bytes);
        expected = descriptor.View.IsLong ? expected : expected & ushort.MaxValue;
        if (descriptor.View.BlockBitmapChecksum != expected)
        {
            Ext4CorruptException.Throw(Corruption.BitmapChecksum,
                $"block bitmap of group {group}, block {bitmap.Block}: expected {expected:x8}, "
                + $"found {descriptor.View.BlockBitmapChecksum:x8}", InodeNumber.None, bitmap.Block);
        }
    }

    /// <summary>Checks what a bitmap must say and takes it over. Under the gate.</summary>
    private void Adopt(GroupNumber group, GroupState state, in GroupLease descriptor, Span<byte> bitmap)
    {
        if (state.Blocks is not null)
        {
            return;
        }
        var map = new FreeMap(bitmap, (int)_context.Geometry.ClustersIn(group));
        if (map.FreeClusters != descriptor.View.FreeClusters)
        {
            Ext4CorruptException.Throw(Corruption.BitmapContents,
                $"block bitmap of group {group}: {map.FreeClusters} clusters are free, "
                + $"the descriptor says {descriptor.View.FreeClusters}");
        }
        CheckZones(group, map);
        _budget.Add(state, group, map.SizeBytes);
        Volatile.Write(ref state.Blocks, map);
        state.WasUsed = true;
    }

    /// <summary>No block of the file system's own may be free. Under the gate.</summary>
    public void CheckZones(GroupNumber group, FreeMap map)
    {
        Geometry geometry = _context.Geometry;
        FsBlock start = geometry.FirstBlock(group);
        foreach (BlockRun zone in _zones.Within(start, geometry.BlocksIn(group)))
        {
            int first = (int)((zone.Start.Value - start.Value) >> geometry.ClusterShift);
            int last = (int)((zone.End.Value - 1 - start.Value) >> geometry.ClusterShift);
            if (map.NextRun(first, last + 1, out int free, out _))
            {
                ulong block = start.Value + ((ulong)free << geometry.ClusterShift);
                Ext4CorruptException.Throw(Corruption.BitmapContents,
                    $"block bitmap of group {group}: the file system's own block {block} is marked free");
            }
        }
    }
}

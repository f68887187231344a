using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Brings groups' inode maps into memory, checked.</summary>
internal sealed class InodeMaps(VolumeContext context, GroupTable groups, MapBudget budget)
{
    /// <summary>Makes sure that a group's map is in memory. May read; not under a gate.</summary>
    /// <param name="group">Which.</param>
    /// <param name="excluded">Free inodes that are lost because the group was found to be damaged just now.</param>
    /// <returns>False when the group is damaged; reported once, to the event sink.</returns>
    public bool TryLoad(GroupNumber group, out uint excluded)
    {
        excluded = 0;
        GroupState state = groups.State(group);
        lock (groups.Gate(group))
        {
            if (state.AreInodesDamaged || state.Inodes is not null)
            {
                state.WasUsed = true;
                return !state.AreInodesDamaged;
            }
        }
        try
        {
            Load(group, state);
            return true;
        }
        catch (Ext4CorruptException damage)
        {
            if (MarkDamaged(group, state, out excluded))
            {
                context.Events.Damage(damage, InodeNumber.None);
            }
        }
        catch (DeviceException failure)
        {
            if (MarkDamaged(group, state, out excluded))
            {
                context.Events.DeviceFailed(failure);
            }
        }
        return false;
    }

    private bool MarkDamaged(GroupNumber group, GroupState state, out uint excluded)
    {
        excluded = 0;
        try
        {
            using GroupLease lease = groups.Open(group);
            excluded = lease.View.FreeInodes;
        }
        catch (Exception unreadable) when (unreadable is Ext4CorruptException or DeviceException)
        {
            // Whatever it counted, it cannot be told: searches will find nothing there.
        }
        lock (groups.Gate(group))
        {
            bool isNews = !state.AreInodesDamaged;
            state.AreInodesDamaged = true;
            excluded = isNews ? excluded : 0;
            return isNews;
        }
    }

    private void Load(GroupNumber group, GroupState state)
    {
        using GroupLease descriptor = groups.Open(group);
        if (IsUninitialized(descriptor))
        {
            lock (groups.Gate(group))
            {
                if (IsUninitialized(descriptor))
                {
                    Adopt(group, state, descriptor, new byte[context.Geometry.BlockSizeBytes]);
                    return;
                }
            }
        }
        using BlockLease bitmap = context.Cache.Read(descriptor.View.InodeBitmap);
        lock (groups.Gate(group))
        {
            if (!bitmap.IsVerified)
            {
                VerifyChecksum(group, descriptor, bitmap);
                bitmap.MarkVerified();
            }
            Adopt(group, state, descriptor, bitmap.Bytes);
        }
    }

    private bool IsUninitialized(in GroupLease descriptor) =>
        groups.FlagsOf(descriptor).HasFlag(GroupFlags.InodesUninitialized);

    private void VerifyChecksum(GroupNumber group, in GroupLease descriptor, in BlockLease bitmap)
    {
        if (!context.Checksums.IsEnabled)
        {
            return;
        }
        uint expected = context.Checksums.OfInodeBitmap(bitmap.Bytes);
        expected = descriptor.View.IsLong ? expected : expected & ushort.MaxValue;
        if (descriptor.View.InodeBitmapChecksum != expected)
        {
            Ext4CorruptException.Throw(Corruption.BitmapChecksum,
                $"inode bitmap of group {group}, block {bitmap.Block}: expected {expected:x8}, "
                + $"found {descriptor.View.InodeBitmapChecksum:x8}", InodeNumber.None, bitmap.Block);
        }
    }

    /// <summary>Under the gate.</summary>
    private void Adopt(GroupNumber group, GroupState state, in GroupLease descriptor, Span<byte> bitmap)
    {
        if (state.Inodes is not null)
        {
            return;
        }
        Geometry geometry = context.Geometry;
        int reserved = (int)geometry.FirstInode.Value - 1;
        if (group.Value == 0 && !new BitmapView(bitmap).IsSet(0, Math.Min(reserved, (int)geometry.InodesPerGroup)))
        {
            Ext4CorruptException.Throw(Corruption.BitmapContents, "inode bitmap of group 0: a reserved inode is free");
        }
        var map = new FreeMap(bitmap, (int)geometry.InodesPerGroup);
        if (map.FreeClusters != descriptor.View.FreeInodes)
        {
            Ext4CorruptException.Throw(Corruption.BitmapContents,
                $"inode bitmap of group {group}: {map.FreeClusters} inodes are free, "
                + $"the descriptor says {descriptor.View.FreeInodes}");
        }
        budget.Add(state, group, map.SizeBytes);
        state.Inodes = map;
        state.WasUsed = true;
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>One pass over all group descriptors: learns where the file system's own blocks are and whether the
/// superblock's free counts are right (they are written lazily, so that after a crash they are not). Runs before the
/// first allocation where that costs little, else beside it.</summary>
/// <remarks>The counts may change while they are being added up: <see cref="CountClusters"/> and its like, called under
/// the group's gate, keep apart what the pass has seen and what it will see.</remarks>
internal sealed class GroupSurvey
{
    private readonly VolumeContext _context;
    private readonly GroupTable _groups;
    private readonly SystemZones _zones;
    private readonly long _clustersAtStart;
    private readonly long _inodesAtStart;
    private long _seenGroups;
    private long _clusters;
    private long _inodes;
    private long _earlyClusters;
    private long _earlyInodes;
    private long _directories;

    /// <summary>Prepares it; nothing may have been allocated yet.</summary>
    public GroupSurvey(SpaceParts parts)
    {
        _context = parts.Context;
        _groups = parts.Groups;
        _zones = parts.Zones;
        _clustersAtStart = parts.Clusters.OnDisk;
        _inodesAtStart = parts.Inodes.OnDisk;
    }

    /// <summary>True when every group has been seen.</summary>
    public bool IsComplete => Volatile.Read(ref _seenGroups) == _context.Geometry.GroupCount;

    /// <summary>Directories in all groups seen.</summary>
    public long Directories => Math.Max(0, Volatile.Read(ref _directories));

    /// <summary>How much the superblock's count of free clusters was wrong; valid when complete.</summary>
    public long ClusterError => _clusters - Volatile.Read(ref _earlyClusters) - _clustersAtStart;

    /// <summary>How much the superblock's count of free inodes was wrong; valid when complete.</summary>
    public long InodeError => _inodes - Volatile.Read(ref _earlyInodes) - _inodesAtStart;

    /// <summary>Looks at all groups with a descriptor in the next block.</summary>
    /// <returns>False when there was none left.</returns>
    /// <exception cref="DeviceException">The descriptors cannot be read.</exception>
    public bool RunSlice()
    {
        Geometry geometry = _context.Geometry;
        uint number = (uint)Volatile.Read(ref _seenGroups);
        if (number >= geometry.GroupCount)
        {
            return false;
        }
        uint index = number / geometry.DescriptorsPerBlock;
        _zones.LearnDescriptorBlock(index);
        uint end = Math.Min((index + 1) * geometry.DescriptorsPerBlock, geometry.GroupCount);
        for (; number < end; number++)
        {
            Count(new GroupNumber(number));
        }
        return number < geometry.GroupCount;
    }

    /// <summary>A group's count of free clusters changed. Under its gate.</summary>
    public void CountClusters(GroupNumber group, int difference)
    {
        if (group.Value >= Volatile.Read(ref _seenGroups))
        {
            Interlocked.Add(ref _earlyClusters, difference);
        }
    }

    /// <summary>A group's counts of free inodes and of directories changed. Under its gate.</summary>
    public void CountInodes(GroupNumber group, int difference, int directories)
    {
        if (group.Value >= Volatile.Read(ref _seenGroups))
        {
            Interlocked.Add(ref _earlyInodes, difference);
        }
        else
        {
            Interlocked.Add(ref _directories, directories);
        }
    }

    private void Count(GroupNumber group)
    {
        try
        {
            using GroupLease lease = _groups.Open(group);
            lock (_groups.Gate(group))
            {
                _clusters += lease.View.FreeClusters;
                _inodes += lease.View.FreeInodes;
                Interlocked.Add(ref _directories, lease.View.Directories);
                Volatile.Write(ref _seenGroups, group.Value + 1);
            }
        }
        catch (Ext4CorruptException damage)
        {
            _context.Events.Damage(damage, InodeNumber.None);
            lock (_groups.Gate(group))
            {
                Volatile.Write(ref _seenGroups, group.Value + 1);
            }
        }
    }
}

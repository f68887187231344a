using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Chooses groups for new inodes: files beside their directory, directories below the root spread over the
/// volume, other directories near their parent unless it is crowded there (Orlov).</summary>
/// <remarks>Docs: ext4/allocators. Kernel: find_group_orlov, find_group_other. Works on flexible groups as wholes;
/// reads counts as hints, without locks.</remarks>
internal sealed class InodePlacement(SpaceParts parts)
{
    /// <summary>How many places are compared for a directory below the root.</summary>
    private const uint ComparedPlaces = 64;

    /// <summary>Directories whose own place was full remember where they went on; a hint, so collisions do not matter.
    /// </summary>
    private const int RememberedParents = 1024;

    private readonly Geometry _geometry = parts.Context.Geometry;
    private readonly uint[] _lastGroups = new uint[RememberedParents];

    private uint FlexSize => 1u << _geometry.LogGroupsPerFlex;

    private uint FlexCount => (uint)(((ulong)_geometry.GroupCount + FlexSize - 1) >> _geometry.LogGroupsPerFlex);

    /// <summary>Where to begin looking for a free inode.</summary>
    /// <param name="parent">The directory it will be in.</param>
    /// <param name="isDirectory">What it will be.</param>
    /// <param name="isTop">Its directory is the root, or is marked as the top of a hierarchy.</param>
    public GroupNumber Choose(InodeNumber parent, bool isDirectory, bool isTop)
    {
        uint flex = isDirectory && isTop ? ChooseTop() : ChooseNear(parent, isDirectory);
        if (!isDirectory && flex == _geometry.GroupOf(parent).Value >> _geometry.LogGroupsPerFlex)
        {
            // Beside its directory's own inode, where there is room.
            GroupNumber own = _geometry.GroupOf(parent);
            if (parts.Groups.Sum(own.Value, own.Value + 1).FreeInodes > 0)
            {
                return own;
            }
        }
        return FirstWithInodes(flex);
    }

    /// <summary>An inode was taken from a group other than the one chosen: the next ones start there.</summary>
    public void Remember(InodeNumber parent, GroupNumber group) =>
        Volatile.Write(ref _lastGroups[parent.Value % RememberedParents], group.Value + 1);

    /// <summary>Of some places with more than average room, the one with fewest directories.</summary>
    private uint ChooseTop()
    {
        uint count = FlexCount;
        (long averageInodes, long averageClusters) = Averages(count);
        uint start = (uint)Random.Shared.NextInt64(count);
        uint compared = Math.Min(count, ComparedPlaces);
        uint best = start;
        long bestScore = long.MaxValue;
        for (uint i = 0; i < compared; i++)
        {
            uint flex = (uint)((start + ((ulong)i * count / compared)) % count);
            GroupSums sums = SumOf(flex);
            if (sums.FreeInodes > 0 && sums.FreeInodes >= averageInodes && sums.FreeClusters >= averageClusters
                && sums.Directories < bestScore)
            {
                (best, bestScore) = (flex, sums.Directories);
            }
        }
        return best;
    }

    /// <summary>The parent's place, or where it went on last; for directories only while that is not crowded.</summary>
    private uint ChooseNear(InodeNumber parent, bool isDirectory)
    {
        uint count = FlexCount;
        uint home = _geometry.GroupOf(parent).Value >> _geometry.LogGroupsPerFlex;
        uint last = Volatile.Read(ref _lastGroups[parent.Value % RememberedParents]);
        if (!isDirectory)
        {
            return SumOf(home).FreeInodes > 0 || last == 0 ? home : (last - 1) >> _geometry.LogGroupsPerFlex;
        }
        (long averageInodes, long averageClusters) = Averages(count);
        long inodesPerFlex = (long)_geometry.InodesPerGroup * FlexSize;
        long clustersPerFlex = (long)_geometry.ClustersPerGroup * FlexSize;
        long minimumInodes = Math.Max(1, averageInodes - (inodesPerFlex / 4));
        long minimumClusters = Math.Max(0, averageClusters - (clustersPerFlex / 4));
        long directories = parts.Groups.Survey?.Directories ?? 0;
        long maximumDirectories = (directories / count) + Math.Max(1, inodesPerFlex / 16);
        uint start = last > 0 ? (last - 1) >> _geometry.LogGroupsPerFlex : home;
        for (uint i = 0; i < Math.Min(count, ComparedPlaces); i++)
        {
            uint flex = (uint)(((ulong)start + i) % count);
            GroupSums sums = SumOf(flex);
            if (sums.Directories < maximumDirectories && sums.FreeInodes >= minimumInodes
                && sums.FreeClusters >= minimumClusters)
            {
                return flex;
            }
        }
        return home;
    }

    private (long Inodes, long Clusters) Averages(uint count) =>
        (parts.Inodes.Free / count, parts.Clusters.Free / count);

    private GroupSums SumOf(uint flex)
    {
        uint first = flex << _geometry.LogGroupsPerFlex;
        return parts.Groups.Sum(first, (uint)Math.Min((ulong)first + FlexSize, _geometry.GroupCount));
    }

    private GroupNumber FirstWithInodes(uint flex)
    {
        uint first = flex << _geometry.LogGroupsPerFlex;
        uint end = (uint)Math.Min((ulong)first + FlexSize, _geometry.GroupCount);
        for (uint number = first; number < end; number++)
        {
            if (parts.Groups.Sum(number, number + 1).FreeInodes > 0)
            {
                return new GroupNumber(number);
            }
        }
        return new GroupNumber(first);
    }
}

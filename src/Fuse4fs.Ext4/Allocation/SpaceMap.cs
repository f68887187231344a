using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Says of every block of a range whose it is, in order and without gaps: the structures whose places
/// descriptors tell, what is free, and the rest. Kernel: ext4_getfsmap_datadev.</summary>
/// <remarks>Not a snapshot: groups are looked at one after the other.</remarks>
internal sealed class SpaceMap(GroupTable groups, BlockAllocator blocks)
{
    private readonly Geometry _geometry = groups.Geometry;

    /// <summary>Walks a range.</summary>
    /// <param name="first">First block.</param>
    /// <param name="last">Last block, which the volume has.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>One record after the other; free space is cut to the range, structures are whole.</returns>
    /// <exception cref="Ext4CorruptException">A descriptor is damaged.</exception>
    public IEnumerable<SpaceRecord> Walk(FsBlock first, FsBlock last, CancellationToken cancellation)
    {
        ulong next = first.Value;
        foreach (SpaceRecord record in Merge(
            Structures(cancellation), FreeSpace(Math.Max(next, _geometry.FirstDataBlock), last.Value, cancellation)))
        {
            if (record.End <= next)
            {
                continue;
            }
            if (record.Start.Value > last.Value)
            {
                break;
            }
            if (record.Start.Value > next)
            {
                yield return new SpaceRecord(new FsBlock(next), record.Start.Value - next, SpaceOwner.Unknown);
            }
            yield return record;
            next = record.End;
        }
        if (next <= last.Value)
        {
            yield return new SpaceRecord(new FsBlock(next), last.Value + 1 - next, SpaceOwner.Unknown);
        }
    }

    private static IEnumerable<SpaceRecord> Merge(List<SpaceRecord> structures, IEnumerable<SpaceRecord> free)
    {
        int at = 0;
        foreach (SpaceRecord record in free)
        {
            for (; at < structures.Count && structures[at].Start.Value <= record.Start.Value; at++)
            {
                yield return structures[at];
            }
            yield return record;
        }
        for (; at < structures.Count; at++)
        {
            yield return structures[at];
        }
    }

    /// <summary>All structures of all groups, sorted; neighbours of one kind are one.</summary>
    private List<SpaceRecord> Structures(CancellationToken cancellation)
    {
        var found = new List<SpaceRecord>();
        for (uint number = 0; number < _geometry.GroupCount && !cancellation.IsCancellationRequested; number++)
        {
            AddStructures(new GroupNumber(number), found);
        }
        if (found.Count == 0)
        {
            return found;
        }
        found.Sort(static (left, right) => left.Start.Value.CompareTo(right.Start.Value));
        int kept = 0;
        for (int i = 1; i < found.Count; i++)
        {
            if (found[i].Owner == found[kept].Owner && found[i].Start.Value == found[kept].End)
            {
                found[kept] = found[kept] with { LengthBlocks = found[kept].LengthBlocks + found[i].LengthBlocks };
            }
            else
            {
                found[++kept] = found[i];
            }
        }
        found.RemoveRange(kept + 1, found.Count - kept - 1);
        return found;
    }

    private void AddStructures(GroupNumber group, List<SpaceRecord> found)
    {
        ulong at = _geometry.FirstBlock(group).Value;
        if (_geometry.HasSuperblock(group))
        {
            found.Add(new SpaceRecord(new FsBlock(at), 1, SpaceOwner.Superblock));
            at++;
        }
        uint descriptors = _geometry.DescriptorBlocksIn(group);
        if (descriptors > 0)
        {
            found.Add(new SpaceRecord(new FsBlock(at), descriptors, SpaceOwner.GroupDescriptors));
            at += descriptors;
            bool isMeta = _geometry.Has(IncompatFeatures.MetaBlockGroups)
                && group.Value / _geometry.DescriptorsPerBlock >= _geometry.FirstMetaGroup;
            if (!isMeta && _geometry.ReservedDescriptorBlocks > 0)
            {
                found.Add(new SpaceRecord(
                    new FsBlock(at), _geometry.ReservedDescriptorBlocks, SpaceOwner.ReservedDescriptors));
            }
        }
        using GroupLease lease = groups.Open(group);
        found.Add(new SpaceRecord(lease.View.BlockBitmap, 1, SpaceOwner.BlockBitmap));
        found.Add(new SpaceRecord(lease.View.InodeBitmap, 1, SpaceOwner.InodeBitmap));
        found.Add(new SpaceRecord(lease.View.InodeTable, _geometry.InodeTableBlocks, SpaceOwner.InodeTable));
    }

    /// <summary>Free runs, those that meet at a group's end as one.</summary>
    private IEnumerable<SpaceRecord> FreeSpace(ulong first, ulong last, CancellationToken cancellation)
    {
        var pending = default(SpaceRecord);
        for (ulong at = first; at <= last && !cancellation.IsCancellationRequested;)
        {
            GroupNumber group = _geometry.GroupOf(new FsBlock(at));
            ulong end = _geometry.FirstBlock(group).Value + _geometry.BlocksIn(group);
            foreach (BlockRun run in blocks.FreeRuns(group))
            {
                ulong start = Math.Max(run.Start.Value, first);
                ulong stop = Math.Min(run.Start.Value + run.LengthBlocks, last + 1);
                if (start >= stop)
                {
                    continue;
                }
                if (pending.LengthBlocks > 0 && pending.End == start)
                {
                    pending = pending with { LengthBlocks = stop - pending.Start.Value };
                    continue;
                }
                if (pending.LengthBlocks > 0)
                {
                    yield return pending;
                }
                pending = new SpaceRecord(new FsBlock(start), stop - start, SpaceOwner.Free);
            }
            at = end;
        }
        if (pending.LengthBlocks > 0)
        {
            yield return pending;
        }
    }
}

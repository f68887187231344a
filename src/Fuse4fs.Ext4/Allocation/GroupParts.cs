using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>The parts of a run of blocks, cut at group boundaries; for foreach.</summary>
internal struct GroupParts(Geometry geometry, BlockRun run)
{
    private FsBlock _next = run.Start;

    /// <summary>Where the enumeration is.</summary>
    public BlockAllocator.GroupPart Current { get; private set; }

    /// <summary>The parts enumerate themselves.</summary>
    public readonly GroupParts GetEnumerator() => this;

    /// <summary>Goes to the next part.</summary>
    public bool MoveNext()
    {
        if (_next >= run.End)
        {
            return false;
        }
        GroupNumber group = geometry.GroupOf(_next);
        ulong groupStart = geometry.FirstBlock(group).Value;
        ulong end = Math.Min(run.End.Value, groupStart + geometry.BlocksPerGroup);
        int start = (int)((_next.Value - groupStart) >> geometry.ClusterShift);
        int length = (int)((end - _next.Value + geometry.BlocksPerCluster - 1) >> geometry.ClusterShift);
        Current = new BlockAllocator.GroupPart(group, start, length);
        _next = new FsBlock(end);
        return true;
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Walks the parts of a run, group by group; almost always there is one.</summary>
internal readonly struct GroupParts(Geometry geometry, BlockRun run)
{
    /// <summary>Starts at the run's first block.</summary>
    public Enumerator GetEnumerator() => new(geometry, run);

    /// <summary>See <see cref="GroupParts"/>.</summary>
    public struct Enumerator(Geometry geometry, BlockRun run)
    {
        private FsBlock _next = run.Start;

        /// <summary>Valid after a successful <see cref="MoveNext"/>.</summary>
        public GroupPart Current { get; private set; }

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
            Current = new GroupPart(group, start, length);
            _next = new FsBlock(end);
            return true;
        }
    }
}

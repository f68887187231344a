using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Counts the clusters that the format itself takes: superblocks, descriptors, bitmaps, inode tables, without the
/// journal. Kernel: ext4_calculate_overhead.</summary>
internal sealed class Overhead(VolumeContext context)
{
    /// <summary>Above so many groups of a bigalloc volume nothing is computed: what the superblock says counts.</summary>
    private const uint MaximumBigAllocGroups = 1 << 18;

    private readonly Geometry _geometry = context.Geometry;

    /// <summary>Clusters taken.</summary>
    /// <param name="recorded">s_overhead_clusters: trusted with bigalloc alone, where counting is long.</param>
    public ulong CountClusters(uint recorded)
    {
        bool isBigAlloc = _geometry.Has(RoCompatFeatures.BigAllocation);
        if (isBigAlloc && (recorded != 0 || _geometry.GroupCount > MaximumBigAllocGroups))
        {
            return recorded <= _geometry.BlockCount ? recorded : 0;
        }
        return isBigAlloc ? CountShared() : CountBlocks();
    }

    private ulong CountBlocks()
    {
        ulong count = _geometry.FirstDataBlock;
        for (uint i = 0; i < _geometry.GroupCount; i++)
        {
            var group = new GroupNumber(i);
            bool hasSuperblock = _geometry.HasSuperblock(group);
            count += (hasSuperblock ? 1 + _geometry.ReservedDescriptorBlocks : 0)
                + _geometry.DescriptorBlocksIn(group) + _geometry.InodeTableBlocks + 2;
        }
        return count;
    }

    /// <summary>With clusters, structures of several groups may share one: it counts once.</summary>
    private ulong CountShared()
    {
        var pieces = new List<(ulong First, ulong End)>();
        for (uint i = 0; i < _geometry.GroupCount; i++)
        {
            var group = new GroupNumber(i);
            uint leading = (_geometry.HasSuperblock(group) ? 1u : 0) + _geometry.DescriptorBlocksIn(group);
            Add(pieces, _geometry.FirstBlock(group), leading);
            (FsBlock block, int offset) = _geometry.DescriptorOf(group);
            using BlockLease lease = context.Cache.Read(block);
            GroupDescriptorView view = context.Descriptors.View(lease, offset);
            Add(pieces, view.BlockBitmap, 1);
            Add(pieces, view.InodeBitmap, 1);
            Add(pieces, view.InodeTable, _geometry.InodeTableBlocks);
        }
        pieces.Sort();
        ulong count = 0;
        ulong counted = 0;
        foreach ((ulong first, ulong end) in pieces)
        {
            ulong from = Math.Max(first, counted);
            count += end > from ? end - from : 0;
            counted = Math.Max(counted, end);
        }
        return count;
    }

    private void Add(List<(ulong First, ulong End)> pieces, FsBlock first, uint count)
    {
        if (count > 0 && first.Value < _geometry.BlockCount && count <= _geometry.BlockCount - first.Value)
        {
            int shift = _geometry.ClusterShift;
            pieces.Add((first.Value >> shift, ((first.Value + count - 1) >> shift) + 1));
        }
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>How many clusters each kind of request leaves free.</summary>
internal readonly struct SpaceLimits
{
    /// <summary>Kernel: ext4_set_resv_clusters, which keeps a fiftieth, at most this many, for tree blocks.</summary>
    private const ulong MaximumPool = 4096;
    private const ulong PoolPart = 50;

    private readonly long _ordinary;
    private readonly long _reserve;

    /// <summary>Computes them from the superblock.</summary>
    public SpaceLimits(Geometry geometry, ulong reservedBlocks)
    {
        if (geometry.Incompat.HasFlag(IncompatFeatures.Extents))
        {
            _reserve = (long)Math.Min((geometry.BlockCount >> geometry.ClusterShift) / PoolPart, MaximumPool);
        }
        _ordinary = _reserve + (long)(Math.Min(reservedBlocks, geometry.BlockCount) >> geometry.ClusterShift);
    }

    /// <summary>Clusters that a request of this kind must leave.</summary>
    public long Floor(SpaceClaim claim) => claim switch
    {
        SpaceClaim.Ordinary => _ordinary,
        SpaceClaim.Reserve => _reserve,
        SpaceClaim.AcceptedOrdinary => _ordinary - (_reserve / 2),
        SpaceClaim.AcceptedReserve => _reserve - (_reserve / 2),
        _ => 0,
    };
}

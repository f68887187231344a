using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    private const int MaximumNameBytes = 255;
    private const ulong MaximumInternalReserve = 4096;
    private const ulong InternalReserveDivisor = 50;

    private readonly Lazy<ulong> _overheadClusters;
    private readonly Lazy<(ulong Clusters, uint Inodes)> _free;

    /// <summary>What statfs(2) shows in a directory: of one that hands its project on, what the project's limits
    /// leave. Kernel: ext4_statfs_project.</summary>
    public VolumeStatistics Statistics(InodeNumber number)
    {
        VolumeStatistics all = Statistics();
        if (Quotas is null || Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference) != Errno.Ok)
        {
            return all;
        }
        using (reference)
        using (reference.Inode.Lock.Shared())
        {
            return reference.Inode.Has(InodeFlags.ProjectInherit)
                ? all.Within(Quotas.ShowProject(reference.Inode.ProjectId))
                : all;
        }
    }

    /// <summary>What statfs(2) shows. Kernel: ext4_statfs.</summary>
    public VolumeStatistics Statistics()
    {
        Geometry geometry = Context.Geometry;
        Superblock super = Context.CopySuperblock();
        int shift = geometry.ClusterShift;
        ulong overhead = _options.MinixDf ? 0 : _overheadClusters.Value << shift;
        (ulong freeClusters, uint freeInodes) = Space is null ? _free.Value : Space.Free;
        ulong free = freeClusters << shift;
        ulong reserved = super.ReservedBlockCount + (InternalReserveClusters() << shift);
        ReadOnlySpan<byte> uuid = super.Uuid;
        return new VolumeStatistics
        {
            BlockSizeBytes = geometry.BlockSizeBytes,
            Blocks = geometry.BlockCount - Math.Min(geometry.BlockCount, overhead),
            FreeBlocks = free,
            AvailableBlocks = free < reserved ? 0 : free - reserved,
            PrivilegedBlocks = free - Math.Min(free, InternalReserveClusters() << shift),
            Inodes = geometry.InodeCount,
            FreeInodes = freeInodes,
            MaximumNameBytes = MaximumNameBytes,
            FileSystemId = BinaryPrimitives.ReadUInt64LittleEndian(uuid)
                ^ BinaryPrimitives.ReadUInt64LittleEndian(uuid[8..]),
        };
    }

    /// <summary>Clusters kept back for metadata that an operation may turn out to need. Kernel:
    /// ext4_set_resv_clusters.</summary>
    internal ulong InternalReserveClusters() => Context.Geometry.Has(IncompatFeatures.Extents)
        ? Math.Min((Context.Geometry.BlockCount >> Context.Geometry.ClusterShift) / InternalReserveDivisor,
            MaximumInternalReserve)
        : 0;

    private ulong CountOverhead()
    {
        Superblock super = Context.CopySuperblock();
        int shift = Context.Geometry.ClusterShift;
        ulong overhead = new Overhead(Context).CountClusters(super.OverheadClusters);
        bool isRecorded = shift != 0 && super.OverheadClusters != 0;
        if (isRecorded || !Context.Geometry.Has(CompatFeatures.HasJournal) || super.JournalInode == 0)
        {
            return overhead;
        }
        Errno error = Inodes.Acquire(
            new InodeNumber(super.JournalInode), InodeAccess.Special, out InodeReference journal);
        if (error != Errno.Ok)
        {
            return overhead;
        }
        using (journal)
        {
            ulong blocks = (ulong)journal.Inode.SizeBytes >> Context.Geometry.BlockSizeShift;
            return overhead + ((blocks + Context.Geometry.BlocksPerCluster - 1) >> shift);
        }
    }

    /// <summary>The sums of all groups; the superblock's own are only right after a clean unmount.</summary>
    private (ulong Clusters, uint Inodes) CountFree()
    {
        ulong clusters = 0;
        uint inodes = 0;
        for (uint i = 0; i < Context.Geometry.GroupCount; i++)
        {
            var group = new GroupNumber(i);
            (FsBlock block, int offset) = Context.Geometry.DescriptorOf(group);
            using BlockLease lease = Context.Cache.Read(block);
            GroupDescriptorView view = Context.Descriptors.View(lease, offset);
            clusters += Math.Min(view.FreeClusters, Context.Geometry.ClustersPerGroup);
            inodes += Math.Min(view.FreeInodes, Context.Geometry.InodesPerGroup);
        }
        return (clusters, inodes);
    }
}

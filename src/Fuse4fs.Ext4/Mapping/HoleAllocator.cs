using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Finds blocks for holes of files. Where clusters have several blocks, those of one cluster of the file lie in
/// one cluster of the device: a hole beside mapped blocks has its place already.</summary>
/// <remarks>Docs: ext4/bigalloc. Kernel: get_implied_cluster_alloc.</remarks>
internal sealed class HoleAllocator(
    VolumeContext context, FileMap map, BlockAllocator allocator, InodeTable inodes)
{
    private readonly int _clusterShift = context.Geometry.ClusterShift;
    private readonly uint _inCluster = context.Geometry.BlocksPerCluster - 1;

    /// <summary>Reserves blocks from a hole's first block on.</summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="hole">Where.</param>
    /// <param name="wanted">Blocks of the hole that are needed now, 1 and up.</param>
    /// <param name="goal">Who and what for; the rest is filled in here.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <param name="space">What there was; possibly less than wanted.</param>
    /// <returns>NoSpace, QuotaExceeded, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno Reserve(
        Inode inode, in MapRun hole, uint wanted, in AllocationGoal goal, SpaceClaim claim, out HoleSpace space)
    {
        uint first = hole.First;
        uint offset = first & _inCluster;
        space = default;
        if (_clusterShift > 0)
        {
            if (TryFindCluster(inode, first, out FsBlock known))
            {
                uint rest = Math.Min(wanted, _inCluster + 1 - offset);
                space = new HoleSpace(new BlockRun(known + offset, rest), default);
                return Errno.Ok;
            }
            // Between the first cluster and the last one there is nothing but the hole.
            uint last = (first + wanted - 1) & ~_inCluster;
            if (last > first && TryFindCluster(inode, last, out _))
            {
                wanted = last - first;
            }
        }
        uint clusters = (offset + wanted + _inCluster) >> _clusterShift;
        if (inodes.Accounts is { } accounts)
        {
            clusters = accounts.LimitSpace(inode, clusters, claim.IsPrivileged());
            if (clusters == 0)
            {
                return Errno.QuotaExceeded;
            }
        }
        AllocationGoal complete = goal with
        {
            Near = AlignUp(goal.Near),
            FileCluster = first >> _clusterShift,
            HoleClusters = (uint)Math.Min((offset + hole.LengthBlocks) >> _clusterShift, uint.MaxValue),
            FileClusters = Math.Max(ClustersOf(inode), ((ulong)first >> _clusterShift) + clusters),
        };
        Errno error = allocator.Reserve(in complete, clusters, claim, out BlockRun run);
        if (error == Errno.Ok)
        {
            space = new HoleSpace(new BlockRun(run.Start + offset, Math.Min(wanted, run.LengthBlocks - offset)), run);
        }
        return error;
    }

    /// <summary>The cluster of the device that a cluster of the file lies in.</summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="fileBlock">Any block of the file's cluster.</param>
    /// <param name="cluster">First block of the device's.</param>
    /// <returns>False when no block of it is mapped.</returns>
    private bool TryFindCluster(Inode inode, uint fileBlock, out FsBlock cluster)
    {
        uint start = fileBlock & ~_inCluster;
        ulong end = Math.Min((ulong)start + _inCluster + 1, ExtentNodePlace.FileEnd);
        for (ulong at = start; at < end;)
        {
            MapRun run = map.Find(inode, (uint)at);
            if (run.IsMapped)
            {
                cluster = new FsBlock(run.Start.Value & ~(ulong)_inCluster);
                if (run.Start.Value - cluster.Value != at - start)
                {
                    Ext4CorruptException.Throw(Corruption.ExtentOrder,
                        $"inode {inode.Number}: file block {at} at block {run.Start}, elsewhere in its cluster");
                }
                return true;
            }
            at = run.End;
        }
        cluster = default;
        return false;
    }

    private ulong ClustersOf(Inode inode)
    {
        int shift = context.Geometry.BlockSizeShift + _clusterShift;
        return ((ulong)inode.SizeBytes + (1ul << shift) - 1) >> shift;
    }

    private FsBlock AlignUp(FsBlock near) => new((near.Value + _inCluster) & ~(ulong)_inCluster);
}

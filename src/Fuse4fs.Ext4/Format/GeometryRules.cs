using System.Numerics;

namespace Fuse4fs.Ext4.Format;

/// <summary>What a superblock must satisfy before anything is computed from it. The limits are those of the format and of
/// the kernel's mount (ext4_fill_super), and a bound on the number of groups.</summary>
internal static class GeometryRules
{
    private const int MaximumLogBlockSize = 6;
    private const int MaximumLogClusterSize = 20;
    private const int MaximumDescriptorSize = 1024;

    /// <summary>Fields that shifts and divisions will use.</summary>
    public static void CheckRaw(in Superblock super, ulong superblockOffsetBytes, ulong deviceBytes)
    {
        Require(super.LogBlockSize <= MaximumLogBlockSize, $"block size of 2^{10 + (ulong)super.LogBlockSize} bytes");
        Require(super.LogClusterSize <= MaximumLogClusterSize, "cluster size out of range");
        ulong deviceBlocks = deviceBytes >> (10 + (int)(uint)super.LogBlockSize);
        Require(super.BlockCount <= deviceBlocks,
            $"{super.BlockCount} blocks, but the device has only {deviceBlocks}");
        Require(superblockOffsetBytes >> (10 + (int)(uint)super.LogBlockSize) < super.BlockCount,
            "the superblock lies beyond the end");
        var incompat = (IncompatFeatures)(uint)super.Incompat;
        var roCompat = (RoCompatFeatures)(uint)super.RoCompat;
        int blockSizeBytes = 1024 << (int)(uint)super.LogBlockSize;
        bool isBigAlloc = roCompat.HasFlag(RoCompatFeatures.BigAllocation);
        Require(isBigAlloc ? super.LogClusterSize >= super.LogBlockSize : super.LogClusterSize == super.LogBlockSize,
            "cluster size does not fit the block size");
        CheckSizes(in super, incompat);
        CheckGroups(in super, blockSizeBytes, isBigAlloc);
        Require(!roCompat.HasFlag(RoCompatFeatures.MetadataChecksums) || super.ChecksumType == 1,
            "unknown checksum type");
        Require(super.LogGroupsPerFlex < 32, "flexible groups too large");
    }

    private static void CheckSizes(in Superblock super, IncompatFeatures incompat)
    {
        int blockSize = 1024 << (int)(uint)super.LogBlockSize;
        if (super.Revision > 0)
        {
            int inodeSize = super.InodeSize;
            Require(inodeSize >= InodeRecord.SizeBytes && inodeSize <= blockSize && BitOperations.IsPow2(inodeSize),
                $"inode size of {inodeSize} bytes");
            Require(super.FirstInode >= 11 && super.FirstInode <= super.InodeCount, "first inode out of range");
        }
        if (incompat.HasFlag(IncompatFeatures.Bits64))
        {
            int size = super.DescriptorSize;
            Require(size >= GroupDescriptorView.LongSizeBytes && size <= MaximumDescriptorSize
                && BitOperations.IsPow2(size), $"group descriptors of {size} bytes");
        }
    }

    private static void CheckGroups(in Superblock super, int blockSize, bool isBigAlloc)
    {
        uint perBlock = (uint)(blockSize / (super.Revision > 0 ? super.InodeSize : InodeRecord.SizeBytes));
        Require(super.InodesPerGroup >= perBlock && super.InodesPerGroup <= (uint)blockSize * 8
            && super.InodesPerGroup % 8 == 0 && super.InodesPerGroup % perBlock == 0,
            $"{(uint)super.InodesPerGroup} inodes per group");
        Require(super.ClustersPerGroup != 0 && super.ClustersPerGroup <= (uint)blockSize * 8
            && super.ClustersPerGroup % 8 == 0, $"{(uint)super.ClustersPerGroup} clusters per group");
        int shift = isBigAlloc ? (int)(super.LogClusterSize - (uint)super.LogBlockSize) : 0;
        Require(super.BlocksPerGroup == (ulong)super.ClustersPerGroup << shift,
            "blocks per group and clusters per group contradict each other");
        Require(super.ReservedDescriptorBlocks <= blockSize / 4, "too many reserved descriptor blocks");
        Require(super.FirstDataBlock < super.BlockCount, "first data block beyond the end");
        Require(super.FirstDataBlock <= 1, $"first data block {(uint)super.FirstDataBlock}");
        Require(super.FirstDataBlock != 0 || super.LogBlockSize != 0 || shift != 0, "first data block is 0");
    }

    /// <summary>What follows from the fields together.</summary>
    public static void CheckDecoded(Geometry geometry)
    {
        Require(geometry.GroupCount <= Geometry.MaximumGroups, $"{geometry.GroupCount} groups");
        Require((ulong)geometry.GroupCount * geometry.InodesPerGroup == geometry.InodeCount,
            $"{geometry.InodeCount} inodes are not {geometry.GroupCount} times {geometry.InodesPerGroup}");
        Require(!geometry.Has(IncompatFeatures.MetaBlockGroups) || geometry.FirstMetaGroup <= geometry.DescriptorBlockCount,
            $"first meta block group {geometry.FirstMetaGroup}");
        for (uint i = 0; i < geometry.DescriptorBlockCount; i++)
        {
            Require(geometry.DescriptorBlock(i).Value < geometry.BlockCount, "group descriptors beyond the end");
        }
    }

    private static void Require(bool isValid, string what)
    {
        if (!isValid)
        {
            throw new VolumeRefusedException(VolumeRefusal.Damaged, $"the superblock is damaged: {what}");
        }
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Where a group's own structures lie, from geometry and descriptor alone.</summary>
internal static class GroupLayout
{
    /// <summary>Blocks at a group's start taken by a superblock, descriptors and the room for more of them.</summary>
    /// <remarks>Docs: ext4/blockgroup, "Layout" and "Meta Block Groups". Kernel: ext4_num_base_meta_blocks.</remarks>
    public static uint BaseBlocks(Geometry geometry, GroupNumber group)
    {
        bool hasSuperblock = geometry.HasSuperblock(group);
        uint metaGroup = group.Value / geometry.DescriptorsPerBlock;
        bool isMetaBg = geometry.Incompat.HasFlag(IncompatFeatures.MetaBlockGroups);
        uint blocks = hasSuperblock ? 1u : 0u;
        if (!isMetaBg || metaGroup < geometry.FirstMetaGroup)
        {
            if (hasSuperblock)
            {
                blocks += isMetaBg ? geometry.FirstMetaGroup : geometry.DescriptorBlockCount;
                blocks += geometry.ReservedDescriptorBlocks;
            }
        }
        else
        {
            uint place = group.Value % geometry.DescriptorsPerBlock;
            blocks += place <= 1 || place == geometry.DescriptorsPerBlock - 1 ? 1u : 0u;
        }
        // With bigalloc and blocks of 1 KiB group 0 starts at block 0, one before the superblock's.
        bool startsEarly = group.Value == 0 && geometry.FirstDataBlock == 0 && geometry.BlockSizeShift == 10;
        return Math.Min(startsEarly ? blocks + 1 : blocks, geometry.BlocksIn(group));
    }

    /// <summary>Computes the bitmap of a group whose bitmap was never written.</summary>
    /// <remarks>Docs: ext4/blockgroup, "Lazy Block Group Initialization"; ext4/bitmaps. Only what lies in the group
    /// itself counts; bits beyond its end are set.</remarks>
    public static void FillUninitialized(
        Geometry geometry, GroupNumber group, GroupDescriptorView view, Span<byte> bitmap)
    {
        bitmap.Clear();
        var bits = new BitmapView(bitmap);
        uint baseBlocks = BaseBlocks(geometry, group);
        if (baseBlocks > 0)
        {
            SetBlocks(geometry, group, bits, geometry.FirstBlock(group).Value, baseBlocks);
        }
        SetBlocks(geometry, group, bits, view.BlockBitmap.Value, 1);
        SetBlocks(geometry, group, bits, view.InodeBitmap.Value, 1);
        SetBlocks(geometry, group, bits, view.InodeTable.Value, geometry.InodeTableBlocks);
        int clusters = (int)geometry.ClustersIn(group);
        if (clusters < bitmap.Length * 8)
        {
            bits.Set(clusters, (bitmap.Length * 8) - clusters);
        }
    }

    private static void SetBlocks(Geometry geometry, GroupNumber group, BitmapView bits, ulong start, uint count)
    {
        ulong groupStart = geometry.FirstBlock(group).Value;
        ulong first = Math.Max(start, groupStart);
        ulong end = Math.Min(start + count, groupStart + geometry.BlocksIn(group));
        if (first < end)
        {
            int firstCluster = (int)((first - groupStart) >> geometry.ClusterShift);
            int lastCluster = (int)((end - 1 - groupStart) >> geometry.ClusterShift);
            bits.Set(firstCluster, lastCluster - firstCluster + 1);
        }
    }
}

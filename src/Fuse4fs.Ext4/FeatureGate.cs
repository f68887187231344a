using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4;

/// <summary>Decides by a superblock's features whether a volume is opened, and whether it may be written.</summary>
internal static class FeatureGate
{
    private const IncompatFeatures Readable = IncompatFeatures.FileType | IncompatFeatures.Recover
        | IncompatFeatures.MetaBlockGroups | IncompatFeatures.Extents | IncompatFeatures.Bits64
        | IncompatFeatures.MultipleMountProtection | IncompatFeatures.FlexibleGroups | IncompatFeatures.XattrInodes
        | IncompatFeatures.ChecksumSeed | IncompatFeatures.LargeDirectory | IncompatFeatures.InlineData
        | IncompatFeatures.Encrypt | IncompatFeatures.Casefold;

    private const RoCompatFeatures Known = RoCompatFeatures.SparseSuper | RoCompatFeatures.LargeFile
        | RoCompatFeatures.BtreeDirectory | RoCompatFeatures.HugeFile | RoCompatFeatures.GroupChecksums
        | RoCompatFeatures.DirectoryLinks | RoCompatFeatures.ExtraInodeSize | RoCompatFeatures.Quota
        | RoCompatFeatures.BigAllocation | RoCompatFeatures.MetadataChecksums | RoCompatFeatures.Project
        | RoCompatFeatures.Verity | RoCompatFeatures.OrphanPresent;

    /// <summary>EXT4_ENC_UTF8_12_1 of s_encoding: the only encoding there is.</summary>
    private const int Utf8Encoding = 1;

    /// <summary>Refuses what cannot be read.</summary>
    /// <exception cref="VolumeRefusedException">A feature is unknown, or the device is a journal.</exception>
    public static void CheckReadable(in Superblock super)
    {
        var incompat = (IncompatFeatures)(uint)super.Incompat;
        if (incompat.HasFlag(IncompatFeatures.JournalDevice))
        {
            throw new VolumeRefusedException(
                VolumeRefusal.JournalDevice, "this device is the external journal of a file system");
        }
        if ((incompat & ~Readable) != 0)
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Feature, $"unsupported feature: {FeatureNames.Of(incompat & ~Readable)}");
        }
        if (incompat.HasFlag(IncompatFeatures.Casefold) && super.Encoding != Utf8Encoding)
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Feature, $"unsupported encoding of names: {(ushort)super.Encoding}");
        }
        var roCompat = (RoCompatFeatures)(uint)super.RoCompat;
        if (roCompat.HasFlag(RoCompatFeatures.BigAllocation)
            && (!incompat.HasFlag(IncompatFeatures.Extents) || super.FirstDataBlock != 0))
        {
            throw new VolumeRefusedException(
                VolumeRefusal.Damaged, "the superblock is damaged: bigalloc without extents, or not from block 0");
        }
    }

    /// <summary>Null when the volume may be written, else why not.</summary>
    public static string? WhyReadOnly(in Superblock super)
    {
        var roCompat = (RoCompatFeatures)(uint)super.RoCompat;
        if (roCompat.HasFlag(RoCompatFeatures.ReadOnly))
        {
            return "the file system is marked read-only";
        }
        if ((roCompat & ~Known) != 0)
        {
            return $"unknown feature {FeatureNames.Of(roCompat & ~Known)}: read-only";
        }
        return null;
    }
}

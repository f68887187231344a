using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Writes an inode's fields into its record. Docs: ext4/inodes. Kernel: ext4_fill_raw_inode.</summary>
internal static class InodeEncoder
{
    /// <summary>Most sectors that i_blocks can count without the huge_file feature.</summary>
    private const ulong MaximumShortSectors = uint.MaxValue;
    private const ulong MaximumLongSectors = (1ul << 48) - 1;

    /// <summary>Fills a record; what belongs to nobody here (attributes behind the fields, unknown fields) stays.</summary>
    /// <param name="geometry">Of the volume.</param>
    /// <param name="checksums">Of the volume.</param>
    /// <param name="inode">What to store.</param>
    /// <param name="record">The whole record.</param>
    public static void Encode(Geometry geometry, Checksums checksums, Inode inode, Span<byte> record)
    {
        ref InodeRecord raw = ref Disk.At<InodeRecord>(record, 0);
        EncodeSectors(geometry, inode, ref raw);
        raw.Mode = inode.Mode;
        raw.UserIdLow = (ushort)(inode.UserId & ushort.MaxValue);
        raw.UserIdHigh = (ushort)(inode.UserId >> 16);
        raw.GroupIdLow = (ushort)(inode.GroupId & ushort.MaxValue);
        raw.GroupIdHigh = (ushort)(inode.GroupId >> 16);
        raw.LinkCount = inode.LinkCount;
        raw.DeletionTime = inode.DeletionTime;
        raw.Flags = (uint)inode.Flags;
        raw.Generation = inode.Generation;
        raw.SizeLow = (uint)(inode.SizeBytes & uint.MaxValue);
        raw.SizeHigh = (uint)(inode.SizeBytes >> 32);
        raw.VersionLow = (uint)(inode.Version & uint.MaxValue);
        raw.XattrBlockLow = (uint)(inode.XattrBlock.Value & uint.MaxValue);
        raw.XattrBlockHigh = (ushort)(inode.XattrBlock.Value >> 32);
        inode.BlockAreaBytes.CopyTo(raw.BlockArea);
        bool hasExtra = inode.ExtraSizeBytes >= InodeExtraRecord.ChangeTimeEnd;
        raw.ChangeTime = inode.ChangeTime.Clamp(hasExtra).EncodeSeconds();
        hasExtra = inode.ExtraSizeBytes >= InodeExtraRecord.ModificationTimeEnd;
        raw.ModificationTime = inode.ModificationTime.Clamp(hasExtra).EncodeSeconds();
        hasExtra = inode.ExtraSizeBytes >= InodeExtraRecord.AccessTimeEnd;
        raw.AccessTime = inode.AccessTime.Clamp(hasExtra).EncodeSeconds();
        if (record.Length > InodeRecord.SizeBytes)
        {
            EncodeExtra(geometry, inode, record);
        }
        if (checksums.IsEnabled)
        {
            Checksums.StoreInInode(inode.ChecksumSeed, record);
        }
    }

    /// <summary>Whether i_blocks can count so many sectors. Checked before a handle is open.</summary>
    public static bool CanCount(Geometry geometry, ulong sectors) =>
        geometry.Has(RoCompatFeatures.HugeFile)
            ? sectors >> (geometry.BlockSizeShift - 9) <= MaximumLongSectors
            : sectors <= MaximumShortSectors;

    private static void EncodeSectors(Geometry geometry, Inode inode, ref InodeRecord raw)
    {
        ulong count = inode.Sectors;
        inode.Flags &= ~InodeFlags.HugeFile;
        if (count > MaximumLongSectors)
        {
            inode.Flags |= InodeFlags.HugeFile;
            count >>= geometry.BlockSizeShift - 9;
        }
        raw.BlockCountLow = (uint)(count & uint.MaxValue);
        raw.BlockCountHigh = (ushort)((count >> 32) & ushort.MaxValue);
    }

    private static void EncodeExtra(Geometry geometry, Inode inode, Span<byte> record)
    {
        int size = inode.ExtraSizeBytes;
        Span<byte> place = record.Slice(InodeRecord.SizeBytes, Math.Min(size, InodeExtraRecord.SizeBytes));
        InodeExtraRecord extra = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<InodeExtraRecord>(ref extra));
        place.CopyTo(bytes);
        extra.ExtraSize = (ushort)size;
        extra.ChangeTimeExtra = inode.ChangeTime.Clamp(hasExtra: true).EncodeExtra();
        extra.ModificationTimeExtra = inode.ModificationTime.Clamp(hasExtra: true).EncodeExtra();
        extra.AccessTimeExtra = inode.AccessTime.Clamp(hasExtra: true).EncodeExtra();
        Timestamp birth = inode.BirthTime.Clamp(hasExtra: true);
        extra.BirthTime = birth.EncodeSeconds();
        extra.BirthTimeExtra = birth.EncodeExtra();
        extra.VersionHigh = (uint)(inode.Version >> 32);
        if (geometry.Has(RoCompatFeatures.Project))
        {
            extra.ProjectId = inode.ProjectId;
        }
        bytes[..place.Length].CopyTo(place);
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Between an inode's record on disk and its object. Docs: ext4/inodes.</summary>
internal static class InodeCodec
{
    /// <summary>Verifies and decodes a record.</summary>
    /// <exception cref="Ext4CorruptException">It is damaged.</exception>
    public static void Decode(Geometry geometry, Checksums checksums, ReadOnlySpan<byte> record, Inode inode)
    {
        if (record.IndexOfAnyExcept((byte)0) < 0)
        {
            return;     // never used since the table was zeroed: not even its checksum was written
        }
        ref readonly InodeRecord raw = ref Disk.At<InodeRecord>(record, 0);
        int onDisk = ExtraSizeOnDisk(record, inode.Number);
        inode.Generation = raw.Generation;
        inode.ChecksumSeed = checksums.InodeSeed(inode.Number, inode.Generation);
        if (checksums.IsEnabled)
        {
            VerifyChecksum(inode, record);
        }
        inode.Mode = raw.Mode;
        inode.UserId = raw.UserIdLow | ((uint)raw.UserIdHigh << 16);
        inode.GroupId = raw.GroupIdLow | ((uint)raw.GroupIdHigh << 16);
        inode.LinkCount = raw.LinkCount;
        inode.Flags = (InodeFlags)(uint)raw.Flags;
        inode.DeletionTime = raw.DeletionTime;
        inode.SizeBytes = DecodeSize(geometry, in raw, inode);
        inode.Sectors = DecodeSectors(geometry, in raw);
        ulong xattrHigh = geometry.Has(IncompatFeatures.Bits64) ? raw.XattrBlockHigh : 0u;
        inode.XattrBlock = new FsBlock(raw.XattrBlockLow | (xattrHigh << 32));
        ((ReadOnlySpan<byte>)raw.BlockArea).CopyTo(inode.BlockAreaBytes);
        inode.HasXattrArea = onDisk != 0;
        // As the kernel: an extra size of 0 in a large inode means that the room is there and unused.
        int available = record.Length - InodeRecord.SizeBytes;
        inode.ExtraSizeBytes = onDisk != 0 ? onDisk : Math.Min(available, InodeExtraRecord.SizeBytes);
        DecodeExtra(geometry, in raw, record, inode);
        InodeRules.Check(geometry, inode);
    }

    private static int ExtraSizeOnDisk(ReadOnlySpan<byte> record, InodeNumber number)
    {
        if (record.Length <= InodeRecord.SizeBytes)
        {
            return 0;
        }
        int size = Disk.At<Le16>(record, InodeRecord.SizeBytes);
        if (size > record.Length - InodeRecord.SizeBytes || size % 4 != 0)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeExtraSize, $"inode {number}: extra size {size}", number, default);
        }
        return size;
    }

    private static void VerifyChecksum(Inode inode, ReadOnlySpan<byte> record)
    {
        uint expected = Checksums.OfInode(inode.ChecksumSeed, record);
        uint found = Checksums.StoredInInode(record);
        if (expected != found)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeChecksum, $"inode {inode.Number}: expected {expected:x8}, found {found:x8}",
                inode.Number, default);
        }
    }

    private static long DecodeSize(Geometry geometry, in InodeRecord raw, Inode inode)
    {
        bool isWide = inode.IsRegular || geometry.Has(IncompatFeatures.LargeDirectory);
        ulong size = isWide ? raw.SizeLow | ((ulong)raw.SizeHigh << 32) : raw.SizeLow;
        if (size > long.MaxValue)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeSize, $"inode {inode.Number}: size {size}", inode.Number, default);
        }
        return (long)size;
    }

    private static ulong DecodeSectors(Geometry geometry, in InodeRecord raw)
    {
        if (!geometry.Has(RoCompatFeatures.HugeFile))
        {
            return raw.BlockCountLow;
        }
        ulong count = raw.BlockCountLow | ((ulong)raw.BlockCountHigh << 32);
        return ((InodeFlags)(uint)raw.Flags).HasFlag(InodeFlags.HugeFile)
            ? count << (geometry.BlockSizeShift - 9)
            : count;
    }

    private static void DecodeExtra(Geometry geometry, in InodeRecord raw, ReadOnlySpan<byte> record, Inode inode)
    {
        // Copied so that records shorter than the structure read as zeros beyond their end.
        InodeExtraRecord extra = default;
        int size = inode.ExtraSizeBytes;
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<InodeExtraRecord>(ref extra));
        int count = Math.Min(size, bytes.Length);
        record.Slice(InodeRecord.SizeBytes, count).CopyTo(bytes);
        inode.ChangeTime = Time(raw.ChangeTime, extra.ChangeTimeExtra, size >= InodeExtraRecord.ChangeTimeEnd);
        inode.ModificationTime = Time(
            raw.ModificationTime, extra.ModificationTimeExtra, size >= InodeExtraRecord.ModificationTimeEnd);
        inode.AccessTime = Time(raw.AccessTime, extra.AccessTimeExtra, size >= InodeExtraRecord.AccessTimeEnd);
        inode.BirthTime = size >= InodeExtraRecord.BirthTimeEnd
            ? Timestamp.Decode(extra.BirthTime, extra.BirthTimeExtra)
            : default;
        uint versionHigh = size >= InodeExtraRecord.VersionHighEnd ? extra.VersionHigh : 0u;
        inode.Version = raw.VersionLow | ((ulong)versionHigh << 32);
        inode.ProjectId = size >= InodeExtraRecord.ProjectIdEnd && geometry.Has(RoCompatFeatures.Project)
            ? extra.ProjectId
            : 0u;
    }

    private static Timestamp Time(uint seconds, uint extra, bool hasExtra) =>
        hasExtra ? Timestamp.Decode(seconds, extra) : Timestamp.Decode(seconds);
}

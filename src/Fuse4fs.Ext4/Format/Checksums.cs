using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>Every metadata checksum of a volume, from its <see cref="Geometry"/>. Docs: ext4/checksums.</summary>
/// <remarks>Methods compute what the field should hold; fields that hold the result count as zero or are left out, as
/// each structure's rule says. Meaningful only where <see cref="IsEnabled"/> (group descriptors also: crc16).</remarks>
public sealed class Checksums(Geometry geometry)
{
    private readonly uint _seed = geometry.ChecksumSeed;

    /// <summary>metadata_csum: structures other than group descriptors carry checksums.</summary>
    public bool IsEnabled { get; } = geometry.HasMetadataChecksums;

    /// <summary>crc32c of a superblock, chained from ~0, whatever the volume's seed.</summary>
    public static uint OfSuperblock(ReadOnlySpan<byte> superblock) =>
        Crc32C.Append(Crc32C.Start, superblock[..Superblock.ChecksumOffset]);

    /// <summary>bg_checksum: crc32c or crc16, as the volume's features ask; 0 without both.</summary>
    public ushort OfGroupDescriptor(GroupNumber group, ReadOnlySpan<byte> descriptor)
    {
        const int Field = GroupDescriptorView.ChecksumOffset;
        if (IsEnabled)
        {
            uint crc = Crc32C.Append(Crc32C.Append(_seed, group.Value), descriptor[..Field]);
            crc = Crc32C.Append(crc, [0, 0]);
            return (ushort)(Crc32C.Append(crc, descriptor[(Field + 2)..]) & ushort.MaxValue);
        }
        if (!geometry.Has(RoCompatFeatures.GroupChecksums))
        {
            return 0;
        }
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(number, group.Value);
        ushort crc16 = Crc16.Append(Crc16.Append(Crc16.Start, geometry.Uuid), number);
        crc16 = Crc16.Append(crc16, descriptor[..Field]);
        return Crc16.Append(crc16, descriptor[(Field + 2)..]);
    }

    /// <summary>The chain's start for an inode and all blocks that belong to it.</summary>
    public uint InodeSeed(InodeNumber number, uint generation) =>
        Crc32C.Append(Crc32C.Append(_seed, number.Value), generation);

    /// <summary>i_checksum of a whole inode; the upper half is stored only where i_extra_isize reaches it.</summary>
    public static uint OfInode(uint inodeSeed, ReadOnlySpan<byte> inode)
    {
        uint crc = Crc32C.Append(inodeSeed, inode[..InodeRecord.ChecksumLowOffset]);
        crc = Crc32C.Append(crc, [0, 0]);
        crc = Crc32C.Append(crc, inode[(InodeRecord.ChecksumLowOffset + 2)..InodeRecord.SizeBytes]);
        if (inode.Length > InodeRecord.SizeBytes)
        {
            int rest = InodeExtraRecord.ChecksumHighOffset;
            crc = Crc32C.Append(crc, inode[InodeRecord.SizeBytes..rest]);
            if (HasHighChecksum(inode))
            {
                crc = Crc32C.Append(crc, [0, 0]);
                rest += 2;
            }
            crc = Crc32C.Append(crc, inode[rest..]);
        }
        return HasHighChecksum(inode) ? crc : crc & ushort.MaxValue;
    }

    /// <summary>The i_checksum stored in an inode, in the width <see cref="OfInode"/> computes.</summary>
    public static uint StoredInInode(ReadOnlySpan<byte> inode)
    {
        uint low = BinaryPrimitives.ReadUInt16LittleEndian(inode[InodeRecord.ChecksumLowOffset..]);
        return HasHighChecksum(inode)
            ? low | ((uint)BinaryPrimitives.ReadUInt16LittleEndian(inode[InodeExtraRecord.ChecksumHighOffset..]) << 16)
            : low;
    }

    /// <summary>Writes i_checksum into a whole inode that is complete otherwise.</summary>
    public static void StoreInInode(uint inodeSeed, Span<byte> inode)
    {
        uint crc = OfInode(inodeSeed, inode);
        BinaryPrimitives.WriteUInt16LittleEndian(
            inode[InodeRecord.ChecksumLowOffset..], (ushort)(crc & ushort.MaxValue));
        if (HasHighChecksum(inode))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(
                inode[InodeExtraRecord.ChecksumHighOffset..], (ushort)(crc >> 16));
        }
    }

    /// <summary>Checksum of a run of bytes that belongs to an inode: extent nodes up to their tail, linear directory
    /// blocks up to theirs.</summary>
    public static uint OfInodeBlock(uint inodeSeed, ReadOnlySpan<byte> covered) => Crc32C.Append(inodeSeed, covered);

    /// <summary>dt_checksum of a hash tree node: its bytes up to the last entry, then the tail with zero checksum.</summary>
    public static uint OfHashTreeNode(uint inodeSeed, ReadOnlySpan<byte> used, ReadOnlySpan<byte> tailReserved)
    {
        uint crc = Crc32C.Append(Crc32C.Append(inodeSeed, used), tailReserved[..4]);
        return Crc32C.Append(crc, 0u);
    }

    /// <summary>h_checksum of an extended-attribute block: the field (bytes 0x10 to 0x13) counts as zero.</summary>
    public uint OfXattrBlock(FsBlock number, ReadOnlySpan<byte> block)
    {
        const int Field = 0x10;
        Span<byte> where = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(where, number.Value);
        uint crc = Crc32C.Append(Crc32C.Append(_seed, where), block[..Field]);
        return Crc32C.Append(Crc32C.Append(crc, 0u), block[(Field + 4)..]);
    }

    /// <summary>Checksum of a block bitmap; 16 bits of it are kept in a short group descriptor.</summary>
    public uint OfBlockBitmap(ReadOnlySpan<byte> bitmap) =>
        Crc32C.Append(_seed, bitmap[..(int)(geometry.ClustersPerGroup / 8)]);

    /// <summary>Checksum of an inode bitmap; 16 bits of it are kept in a short group descriptor.</summary>
    public uint OfInodeBitmap(ReadOnlySpan<byte> bitmap) =>
        Crc32C.Append(_seed, bitmap[..(int)(geometry.InodesPerGroup / 8)]);

    /// <summary>mmp_checksum, of all bytes of the structure before it.</summary>
    public uint OfMmpBlock(ReadOnlySpan<byte> block) => Crc32C.Append(_seed, block[..Superblock.ChecksumOffset]);

    /// <summary>ob_checksum of a block of the orphan file, of its entries.</summary>
    /// <param name="orphanFileSeed"><see cref="InodeSeed"/> of the orphan file.</param>
    /// <param name="number">The block's own number.</param>
    /// <param name="entries">All 32-bit entries, without the tail.</param>
    public static uint OfOrphanBlock(uint orphanFileSeed, FsBlock number, ReadOnlySpan<byte> entries)
    {
        Span<byte> where = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(where, number.Value);
        return Crc32C.Append(Crc32C.Append(orphanFileSeed, where), entries);
    }

    private static bool HasHighChecksum(ReadOnlySpan<byte> inode) =>
        inode.Length > InodeRecord.SizeBytes
        && BinaryPrimitives.ReadUInt16LittleEndian(inode[InodeRecord.SizeBytes..]) >= InodeExtraRecord.ChecksumHighEnd;
}

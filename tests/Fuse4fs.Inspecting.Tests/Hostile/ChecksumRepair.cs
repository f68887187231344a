using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Makes the checksum of a mutated structure right again, so that it does not shield the checks behind it.
/// </summary>
internal sealed class ChecksumRepair(SeedMap map, byte[] image)
{
    private const int JournalChecksumOffset = 0xFC;
    private const uint JournalMagic = 0xC03B3998;

    private readonly Checksums _checksums = new(map.Geometry);

    /// <summary>Repairs one structure where its kind has a checksum.</summary>
    public void Repair(in Structure structure)
    {
        Span<byte> bytes = image.AsSpan(structure.Offset, structure.Length);
        if (structure.Kind == StructureKind.GroupDescriptor)
        {
            ushort sum = _checksums.OfGroupDescriptor(new GroupNumber(structure.Owner), bytes);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[GroupDescriptorView.ChecksumOffset..], sum);
            return;
        }
        if (structure.Kind is StructureKind.JournalSuperblock or StructureKind.JournalBlock)
        {
            RepairJournal(in structure, bytes);
            return;
        }
        if (_checksums.IsEnabled)
        {
            RepairChecked(in structure, bytes);
        }
    }

    private void RepairChecked(in Structure structure, Span<byte> bytes)
    {
        switch (structure.Kind)
        {
            case StructureKind.Superblock:
                Store(bytes[Superblock.ChecksumOffset..], Checksums.OfSuperblock(bytes));
                break;
            case StructureKind.Inode:
                uint generation = BinaryPrimitives.ReadUInt32LittleEndian(bytes[0x64..]);
                Checksums.StoreInInode(_checksums.InodeSeed(new InodeNumber(structure.Owner), generation), bytes);
                break;
            case StructureKind.ExtentBlock:
                int tail = 12 + (12 * BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]));
                if (tail + 4 <= bytes.Length)
                {
                    Store(bytes[tail..], Checksums.OfInodeBlock(SeedOf(in structure), bytes[..tail]));
                }
                break;
            case StructureKind.DirectoryLeaf:
                Store(bytes[^4..], Checksums.OfInodeBlock(SeedOf(in structure), bytes[..^12]));
                break;
            case StructureKind.DirectoryIndex:
                RepairIndex(in structure, bytes);
                break;
            case StructureKind.XattrBlock:
                var number = new FsBlock((ulong)(structure.Offset / map.Geometry.BlockSizeBytes));
                Store(bytes[0x10..], _checksums.OfXattrBlock(number, bytes));
                break;
            default:
                break;
        }
    }

    private void RepairIndex(in Structure structure, Span<byte> bytes)
    {
        // The root has the records of "." and ".." and its own facts in front; an inner node one unused record.
        int start = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) == 12 ? 24 + bytes[0x1D] : 8;
        if (start + 4 > bytes.Length)
        {
            return;
        }
        int limit = BinaryPrimitives.ReadUInt16LittleEndian(bytes[start..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(start + 2)..]);
        int tail = start + (limit * 8);
        int used = start + (count * 8);
        if (tail + 8 <= bytes.Length && used <= tail)
        {
            uint sum = Checksums.OfHashTreeNode(SeedOf(in structure), bytes[..used], bytes[tail..]);
            Store(bytes[(tail + 4)..], sum);
        }
    }

    private uint SeedOf(in Structure structure)
    {
        uint generation = BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(structure.OwnerOffset + 0x64));
        return _checksums.InodeSeed(new InodeNumber(structure.Owner), generation);
    }

    private void RepairJournal(in Structure structure, Span<byte> bytes)
    {
        if (structure.Kind == StructureKind.JournalSuperblock)
        {
            Span<byte> super = bytes[..1024];
            BinaryPrimitives.WriteUInt32BigEndian(super[JournalChecksumOffset..], 0);
            BinaryPrimitives.WriteUInt32BigEndian(super[JournalChecksumOffset..], Crc32C.Append(Crc32C.Start, super));
            return;
        }
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes) != JournalMagic)
        {
            return;
        }
        Structure journal = map.Structures.Find(s => s.Kind == StructureKind.JournalSuperblock);
        uint seed = Crc32C.Append(Crc32C.Start, image.AsSpan(journal.Offset + 0x30, 16));
        const uint commitBlock = 2;
        int field = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) == commitBlock ? 0x10 : bytes.Length - 4;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[field..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[field..], Crc32C.Append(seed, bytes));
    }

    private static void Store(Span<byte> field, uint sum) => BinaryPrimitives.WriteUInt32LittleEndian(field, sum);
}

using System.Buffers.Binary;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Chooses which field of a structure is changed: mostly one that the structure really has.</summary>
internal static class FieldChooser
{
    private static readonly int[] s_widths = [1, 2, 2, 4, 4, 4, 8];

    /// <summary>Place and width of a field.</summary>
    public static (int At, int Width) Choose(StructureKind kind, ReadOnlySpan<byte> bytes, Random random)
    {
        if (random.Next(4) != 0)
        {
            (int At, int Width)? field = kind switch
            {
                StructureKind.Superblock => (random.Next(0x170 / 2) * 2, random.Next(2) == 0 ? 2 : 4),
                StructureKind.ExtentBlock => InExtents(bytes, 0, random),
                StructureKind.Inode when random.Next(2) == 0 => InExtents(bytes, 0x28, random),
                StructureKind.Inode when bytes.Length > 160 && random.Next(2) == 0 => InXattrs(bytes, 160, 4, random),
                StructureKind.Inode => (random.Next(40) * 4, random.Next(2) == 0 ? 2 : 4),
                StructureKind.DirectoryLeaf => InRecords(bytes, random),
                StructureKind.DirectoryIndex => (random.Next(24) * 2, random.Next(2) == 0 ? 2 : 4),
                StructureKind.XattrBlock => InXattrs(bytes, 0, 32, random),
                StructureKind.JournalSuperblock => (random.Next(0x60 / 4) * 4, 4),
                StructureKind.JournalBlock => (random.Next(32) * 4, 4),
                _ => null,
            };
            if (field is (int at, int width) && at >= 0 && at + width <= bytes.Length)
            {
                return (at, width);
            }
        }
        int any = s_widths[random.Next(s_widths.Length)];
        return (random.Next((bytes.Length - any) / any + 1) * any, any);
    }

    private static (int At, int Width) InExtents(ReadOnlySpan<byte> bytes, int header, Random random)
    {
        if (random.Next(3) == 0)
        {
            return (header + (random.Next(6) * 2), 2);
        }
        int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(header + 2)..]);
        int entry = header + 12 + (random.Next(Math.Clamp(count, 1, 4)) * 12);
        return random.Next(4) switch
        {
            0 => (entry, 4),
            1 => (entry + 4, 2),
            2 => (entry + 6, 2),
            _ => (entry + 8, 4),
        };
    }

    private static (int At, int Width) InRecords(ReadOnlySpan<byte> bytes, Random random)
    {
        int at = 0;
        for (int skip = random.Next(12); skip > 0; skip--)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + 4)..]);
            if (length < 8 || at + length + 8 > bytes.Length)
            {
                break;
            }
            at += length;
        }
        return random.Next(5) switch
        {
            0 => (at, 4),
            1 or 2 => (at + 4, 2),
            3 => (at + 6, 1),
            _ => (at + 7 + random.Next(6), 1),
        };
    }

    private static (int At, int Width) InXattrs(ReadOnlySpan<byte> bytes, int header, int headerBytes, Random random)
    {
        int at = header + headerBytes;
        for (int skip = random.Next(4); skip > 0 && at + 16 < bytes.Length && bytes[at] != 0; skip--)
        {
            at += 16 + ((bytes[at] + 3) & ~3);
        }
        return random.Next(7) switch
        {
            0 => (header + (random.Next(headerBytes / 4) * 4), 4),
            1 => (at, 1),
            2 => (at + 1, 1),
            3 => (at + 2, 2),
            4 => (at + 4, 4),
            5 => (at + 8, 4),
            _ => (at + 12, 4),
        };
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Data inside the inode: the first 60 bytes in i_block, the rest as the value of the attribute system.data in the
/// record's attribute area. Docs: ext4/inlinedata.</summary>
public static class InlineData
{
    private const uint XattrMagic = 0xEA020000;
    private const int EntryHeaderBytes = 16;
    private const byte SystemIndex = 7;

    /// <summary>Where the second part is in the record.</summary>
    /// <param name="record">The whole record of an inode with inline data.</param>
    /// <param name="number">Whose record, to name it in an error.</param>
    /// <returns>Empty when there is no second part.</returns>
    /// <exception cref="Ext4CorruptException">The attribute area is damaged.</exception>
    public static Span<byte> Rest(Span<byte> record, InodeNumber number)
    {
        if (record.Length <= InodeRecord.SizeBytes)
        {
            return [];
        }
        int extraSize = Disk.At<Le16>(record, InodeRecord.SizeBytes);
        if (extraSize == 0 || InodeRecord.SizeBytes + extraSize + 4 > record.Length)
        {
            return [];
        }
        Span<byte> area = record[(InodeRecord.SizeBytes + extraSize)..];
        if (Disk.At<Le32>(area, 0) != XattrMagic)
        {
            return [];
        }
        return FindValue(area[4..], number);
    }

    /// <summary>Copies data out; what lies behind both parts reads as zeros, as after a truncate to a bigger size.</summary>
    /// <param name="blockArea">i_block.</param>
    /// <param name="rest">From <see cref="Rest"/>.</param>
    /// <param name="offset">First byte wanted.</param>
    /// <param name="destination">Filled whole.</param>
    public static void Copy(ReadOnlySpan<byte> blockArea, ReadOnlySpan<byte> rest, long offset, Span<byte> destination)
    {
        destination.Clear();
        CopyPart(blockArea, offset, destination);
        if (offset >= blockArea.Length)
        {
            CopyPart(rest, offset - blockArea.Length, destination);
        }
        else if (destination.Length > blockArea.Length - offset)
        {
            CopyPart(rest, 0, destination[(int)(blockArea.Length - offset)..]);
        }
    }

    private static void CopyPart(ReadOnlySpan<byte> part, long offset, Span<byte> destination)
    {
        if (offset < part.Length)
        {
            int count = (int)Math.Min(part.Length - offset, destination.Length);
            part.Slice((int)offset, count).CopyTo(destination);
        }
    }

    /// <summary>Entries follow each other, each at least 16 bytes, up to one that begins with four zero bytes: the loop is
    /// bounded by the area.</summary>
    private static Span<byte> FindValue(Span<byte> area, InodeNumber number)
    {
        int position = 0;
        while (position + 4 <= area.Length && Disk.At<Le32>(area, position) != 0)
        {
            if (position + EntryHeaderBytes > area.Length)
            {
                break;
            }
            int nameLength = area[position];
            int next = position + ((EntryHeaderBytes + nameLength + 3) & ~3);
            if (next > area.Length)
            {
                break;
            }
            ReadOnlySpan<byte> name = area.Slice(position + EntryHeaderBytes, nameLength);
            if (area[position + 1] == SystemIndex && name.SequenceEqual("data"u8))
            {
                return Value(area, position, number);
            }
            position = next;
        }
        return [];
    }

    private static Span<byte> Value(Span<byte> area, int entry, InodeNumber number)
    {
        int offset = Disk.At<Le16>(area, entry + 2);
        uint valueInode = Disk.At<Le32>(area, entry + 4);
        uint size = Disk.At<Le32>(area, entry + 8);
        if (valueInode != 0 || size > area.Length || offset > area.Length - (int)size)
        {
            Ext4CorruptException.Throw(
                Corruption.InlineData, $"inode {number}: value of {size} bytes at {offset} of {area.Length}");
        }
        return area.Slice(offset, (int)size);
    }
}

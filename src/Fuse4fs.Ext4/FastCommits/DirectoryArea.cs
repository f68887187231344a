using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Changes the records of one directory block.</summary>
internal static class DirectoryArea
{
    /// <summary>Takes a name out: its room goes to the record before it.</summary>
    public static bool TryRemove(Span<byte> area, DirectoryLayout layout, ReadOnlySpan<byte> name)
    {
        int previous = -1;
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, 0))
        {
            if (record.IsUsed && record.Name.SequenceEqual(name))
            {
                ref DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(area, record.Offset);
                if (previous < 0)
                {
                    header.Inode = 0;
                }
                else
                {
                    Disk.At<DirectoryRecordHeader>(area, previous).RawLength =
                        DirectoryRecordHeader.EncodeLength(record.Offset + record.Length - previous);
                }
                return true;
            }
            previous = record.Offset;
        }
        return false;
    }

    /// <summary>Puts a name where there is room.</summary>
    /// <returns>False when there is none.</returns>
    public static bool TryInsert(Span<byte> area, DirectoryLayout layout, DirectoryEntryRecord entry)
    {
        int needed = DirectoryRecordHeader.LengthFor(entry.Name.Length, hasStoredHash: false);
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, 0))
        {
            int used = record.IsUsed ? DirectoryRecordHeader.LengthFor(record.Name.Length, hasStoredHash: false) : 0;
            if (record.Length - used >= needed)
            {
                if (used > 0)
                {
                    Disk.At<DirectoryRecordHeader>(area, record.Offset).RawLength =
                        DirectoryRecordHeader.EncodeLength(used);
                }
                Write(area, record.Offset + used, record.Length - used, entry);
                return true;
            }
        }
        return false;
    }

    /// <summary>Writes a record.</summary>
    public static void Write(Span<byte> area, int offset, int length, DirectoryEntryRecord entry)
    {
        area.Slice(offset, DirectoryRecordHeader.LengthFor(entry.Name.Length, hasStoredHash: false)).Clear();
        ref DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(area, offset);
        header.Inode = entry.Inode.Value;
        header.RawLength = DirectoryRecordHeader.EncodeLength(length);
        header.NameLength = (byte)entry.Name.Length;
        header.FileType = entry.Type;
        entry.Name.CopyTo(area[(offset + DirectoryRecordHeader.SizeBytes)..]);
    }

    /// <summary>Fills an area with records, the last one taking what is left.</summary>
    public static void Fill(Span<byte> area, IReadOnlyList<DirectoryEntryRecord> entries)
    {
        area.Clear();
        if (entries.Count == 0)
        {
            Disk.At<DirectoryRecordHeader>(area, 0).RawLength = DirectoryRecordHeader.EncodeLength(area.Length);
            return;
        }
        int at = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            int length = i + 1 == entries.Count
                ? area.Length - at
                : DirectoryRecordHeader.LengthFor(entries[i].Name.Length, hasStoredHash: false);
            Write(area, at, length, entries[i]);
            at += length;
        }
    }
}

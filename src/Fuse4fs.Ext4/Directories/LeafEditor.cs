using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Changes the records of a directory block, or of an inline area, in place. What it is given was validated by
/// walking it with <see cref="DirectoryRecords"/>. Docs: ext4/directory, "Linear (Classic) Directories".</summary>
internal static class LeafEditor
{
    private const int TailTypeOffset = 7;
    private const int TailChecksumOffset = 8;

    /// <summary>Finds the first record with room behind it, or unused, for a new one.</summary>
    /// <param name="area">The records.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="fileBlock">For messages.</param>
    /// <param name="neededBytes">Length of the new record.</param>
    /// <param name="offset">For <see cref="Insert"/>.</param>
    /// <exception cref="Ext4CorruptException">A record is impossible.</exception>
    public static bool TryFindRoom(
        ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock, int neededBytes, out int offset)
    {
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            int free = record.IsUsed ? record.Length - SmallestLength(record, layout) : record.Length;
            if (free >= neededBytes)
            {
                offset = record.Offset;
                return true;
            }
        }
        offset = 0;
        return false;
    }

    /// <summary>Bytes that the names of an area need when packed.</summary>
    public static int PackedBytes(ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock)
    {
        int bytes = 0;
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed)
            {
                bytes += SmallestLength(record, layout);
            }
        }
        return bytes;
    }

    /// <summary>Adds a name where <see cref="TryFindRoom"/> found room.</summary>
    public static void Insert(Span<byte> area, in DirectoryLayout layout, int offset, in NewRecord added)
    {
        ref DirectoryRecordHeader at = ref Disk.At<DirectoryRecordHeader>(area, offset);
        int length = DirectoryRecordHeader.DecodeLength(at.RawLength, layout.BlockSizeBytes);
        if (at.Inode != 0 && at.NameLength != 0)
        {
            int kept = SmallestLength(new DirectoryRecord(offset, area.Slice(offset, length)), layout);
            at.RawLength = DirectoryRecordHeader.EncodeLength(kept);
            offset += kept;
            length -= kept;
        }
        Write(area.Slice(offset, length), layout, added);
    }

    /// <summary>Removes a record: it joins the one before, or stays as an unused one at the front.</summary>
    /// <exception cref="Ext4CorruptException">A record before it is impossible.</exception>
    public static void Remove(Span<byte> area, in DirectoryLayout layout, uint fileBlock, int offset)
    {
        int previous = -1;
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.Offset < offset)
            {
                previous = record.Offset;
                continue;
            }
            Span<byte> removed = area.Slice(offset, record.Length);
            if (previous < 0)
            {
                removed.Clear();
                Disk.At<DirectoryRecordHeader>(removed, 0).RawLength =
                    DirectoryRecordHeader.EncodeLength(removed.Length);
                return;
            }
            removed.Clear();
            Disk.At<DirectoryRecordHeader>(area, previous).RawLength =
                DirectoryRecordHeader.EncodeLength(offset + record.Length - previous);
            return;
        }
    }

    /// <summary>Makes a record refer to another inode.</summary>
    public static void Replace(Span<byte> area, int offset, InodeNumber inode, DirectoryFileType type)
    {
        ref DirectoryRecordHeader at = ref Disk.At<DirectoryRecordHeader>(area, offset);
        at.Inode = inode.Value;
        at.FileType = type;
    }

    /// <summary>Makes a zeroed block a leaf without names.</summary>
    public static void InitializeEmpty(Span<byte> block, in DirectoryLayout layout)
    {
        Disk.At<DirectoryRecordHeader>(block, 0).RawLength = DirectoryRecordHeader.EncodeLength(layout.LeafBytes);
        InitializeTail(block, layout);
    }

    /// <summary>Makes a zeroed block the first of a directory: "." and "..".</summary>
    public static void InitializeFirst(
        Span<byte> block, in DirectoryLayout layout, InodeNumber parent, bool hasFileTypes)
    {
        DirectoryFileType type = hasFileTypes ? DirectoryFileType.Directory : DirectoryFileType.Unknown;
        DirectoryLayout plain = layout with { HasStoredHash = false };
        int dot = DirectoryRecordHeader.LengthFor(1, hasStoredHash: false);
        Write(block[..dot], plain, new NewRecord("."u8, layout.Directory, type, default));
        Write(block[dot..layout.LeafBytes], plain, new NewRecord(".."u8, parent, type, default));
        InitializeTail(block, layout);
    }

    /// <summary>Packs all names to the front of the block.</summary>
    public static void Pack(Span<byte> block, in DirectoryLayout layout, uint fileBlock)
    {
        Span<byte> area = block[..layout.LeafBytes];
        int end = 0;
        int last = -1;
        foreach (DirectoryRecord record in new DirectoryRecords(area, layout, fileBlock))
        {
            if (record.IsUsed)
            {
                // Records only move towards the front, never over one that was not read yet.
                last = end;
                end += Move(area, record, area[end..], layout);
            }
        }
        Finish(area, last, end, layout);
    }

    /// <summary>Removes "." and ".." from a copy of a directory's first block and packs the names.</summary>
    public static void RemoveDots(Span<byte> block, in DirectoryLayout layout)
    {
        foreach (DirectoryRecord record in new DirectoryRecords(block[..layout.LeafBytes], layout, 0))
        {
            if (record.IsDot)
            {
                Disk.At<DirectoryRecordHeader>(block, record.Offset).Inode = 0;
            }
        }
        Pack(block, layout, 0);
    }

    /// <summary>Moves the names from a hash on to an empty block and packs the rest.</summary>
    /// <param name="block">Full; keeps the lower hashes.</param>
    /// <param name="fresh">Zeroed; becomes a leaf.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="fileBlock">For messages.</param>
    /// <param name="hasher">Of the directory.</param>
    /// <returns>First hash of the new leaf; its low bit is set when names of that hash stayed behind.</returns>
    public static uint Split(
        Span<byte> block, Span<byte> fresh, in DirectoryLayout layout, uint fileBlock, NameHasher hasher)
    {
        Span<byte> area = block[..layout.LeafBytes];
        LeafOrder order = LeafOrder.Of(area, layout, fileBlock, hasher);
        int split = order.MiddleBySize(layout.LeafBytes / 2);
        uint hash = order.HashAt(split);
        bool continues = split > 0 && order.HashAt(split - 1) == hash;
        Span<byte> target = fresh[..layout.LeafBytes];
        int end = 0;
        int last = -1;
        for (int i = split; i < order.Count; i++)
        {
            int offset = order.OffsetAt(i);
            int length = DirectoryRecordHeader.DecodeLength(
                Disk.At<DirectoryRecordHeader>(area, offset).RawLength, layout.BlockSizeBytes);
            last = end;
            end += Move(area, new DirectoryRecord(offset, area.Slice(offset, length)), target[end..], layout);
            Disk.At<DirectoryRecordHeader>(area, offset).Inode = 0;
        }
        Finish(target, last, end, layout);
        InitializeTail(fresh, layout);
        Pack(block, layout, fileBlock);
        return hash | (continues ? 1u : 0u);
    }

    /// <summary>Stores the checksum of a leaf.</summary>
    public static void Seal(Span<byte> block, in DirectoryLayout layout, uint inodeSeed)
    {
        if (layout.HasChecksums)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                block[(layout.LeafBytes + TailChecksumOffset)..],
                Checksums.OfInodeBlock(inodeSeed, block[..layout.LeafBytes]));
        }
    }

    /// <summary>The looks of an unused record that holds the checksum.</summary>
    public static void InitializeTail(Span<byte> block, in DirectoryLayout layout)
    {
        if (layout.HasChecksums)
        {
            Span<byte> tail = block[layout.LeafBytes..];
            tail.Clear();
            Disk.At<DirectoryRecordHeader>(tail, 0).RawLength = DirectoryLayout.LeafTailBytes;
            tail[TailTypeOffset] = (byte)DirectoryFileType.ChecksumTail;
        }
    }

    /// <summary>Least bytes of a record in use.</summary>
    public static int SmallestLength(DirectoryRecord record, in DirectoryLayout layout) =>
        DirectoryRecordHeader.LengthFor(record.Name.Length, layout.HasStoredHash && !record.IsDot);

    private static void Write(Span<byte> record, in DirectoryLayout layout, in NewRecord added)
    {
        ref DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(record, 0);
        header.Inode = added.Inode.Value;
        header.RawLength = DirectoryRecordHeader.EncodeLength(record.Length);
        header.NameLength = (byte)added.Name.Length;
        header.FileType = added.Type;
        added.Name.CopyTo(record[DirectoryRecordHeader.SizeBytes..]);
        int nameEnd = DirectoryRecordHeader.SizeBytes + added.Name.Length;
        int padded = DirectoryRecordHeader.LengthFor(added.Name.Length, hasStoredHash: false);
        record[nameEnd..padded].Clear();
        if (layout.HasStoredHash)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(record[padded..], added.Hash.Major);
            BinaryPrimitives.WriteUInt32LittleEndian(record[(padded + 4)..], added.Hash.Minor);
        }
    }

    /// <summary>Copies a record to the start of a span in its smallest length.</summary>
    private static int Move(Span<byte> area, DirectoryRecord record, Span<byte> target, in DirectoryLayout layout)
    {
        int length = SmallestLength(record, layout);
        area.Slice(record.Offset, length).CopyTo(target);
        Disk.At<DirectoryRecordHeader>(target, 0).RawLength = DirectoryRecordHeader.EncodeLength(length);
        return length;
    }

    /// <summary>Lets the last record reach to the end and wipes what is behind it.</summary>
    private static void Finish(Span<byte> area, int last, int end, in DirectoryLayout layout)
    {
        area[end..].Clear();
        int start = Math.Max(last, 0);
        Disk.At<DirectoryRecordHeader>(area, start).RawLength =
            DirectoryRecordHeader.EncodeLength(layout.LeafBytes - start);
    }
}

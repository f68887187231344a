using System.Diagnostics.CodeAnalysis;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Walks the records of a directory block, or of an inline area; validates each before it moves on.</summary>
/// <remarks>Kernel: __ext4_check_dir_entry.</remarks>
internal ref struct DirectoryRecords
{
    private readonly ReadOnlySpan<byte> _area;
    private readonly DirectoryLayout _layout;
    private readonly uint _fileBlock;
    private int _next;

    /// <summary>Starts before the first record.</summary>
    /// <param name="area">The records, without the checksum tail.</param>
    /// <param name="layout">Of the directory.</param>
    /// <param name="fileBlock">For messages: which block of the directory.</param>
    public DirectoryRecords(ReadOnlySpan<byte> area, in DirectoryLayout layout, uint fileBlock)
    {
        _area = area;
        _layout = layout;
        _fileBlock = fileBlock;
    }

    /// <summary>Valid after a successful <see cref="MoveNext"/>.</summary>
    public DirectoryRecord Current { get; private set; }

    /// <summary>So that foreach works.</summary>
    public readonly DirectoryRecords GetEnumerator() => this;

    /// <summary>Goes to the next record, used or not.</summary>
    /// <exception cref="Ext4CorruptException">The record is impossible.</exception>
    public bool MoveNext()
    {
        int rest = _area.Length - _next;
        if (rest == 0)
        {
            return false;
        }
        if (rest < DirectoryRecordHeader.SizeBytes)
        {
            Throw("no room for a record");
        }
        ref readonly DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(_area, _next);
        int length = DirectoryRecordHeader.DecodeLength(header.RawLength, _layout.BlockSizeBytes);
        int nameStart = _next + DirectoryRecordHeader.SizeBytes;
        if (length % 4 != 0 || length > rest || length < DirectoryRecordHeader.LengthFor(1, false))
        {
            Throw($"record length {length}, {rest} bytes left");
        }
        bool hasHash = _layout.HasStoredHash && header.NameLength > 0
            && !DirectoryRecord.IsDotName(_area.Slice(nameStart, Math.Min((int)header.NameLength, length - 8)));
        if (length < DirectoryRecordHeader.LengthFor(header.NameLength, hasHash))
        {
            Throw($"record length {length}, name length {header.NameLength}");
        }
        if (rest != length && rest - length < DirectoryRecordHeader.LengthFor(1, false))
        {
            Throw($"record length {length} leaves {rest - length} bytes");
        }
        if (header.Inode > _layout.InodeCount)
        {
            Throw($"inode {(uint)header.Inode} of {_layout.InodeCount}");
        }
        Current = new DirectoryRecord(_next, _area.Slice(_next, length));
        _next += length;
        return true;
    }

    [DoesNotReturn]
    private readonly void Throw(string what) => Ext4CorruptException.Throw(
        Corruption.DirectoryRecordLength,
        $"directory {_layout.Directory}, block {_fileBlock}, offset {_next}: {what}");
}

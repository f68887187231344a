using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Directories;

/// <summary>Gives records back by place while a listing holds the directory's lock; keeps the last block
/// held.</summary>
internal ref struct RecordSource(
    DirectoryBlocks blocks, InlineDirectories inline, Inode directory, DirectoryLayout layout)
{
    private BlockLease _lease;
    private ReadOnlySpan<byte> _area;
    private uint _fileBlock;
    private bool _isHeld;

    /// <summary>The records of a block, or of an inline area.</summary>
    public ReadOnlySpan<byte> Area(uint fileBlock)
    {
        if (!_isHeld || _fileBlock != fileBlock)
        {
            Dispose();
            if (fileBlock < EntryPlace.InlineBlock)
            {
                _lease = blocks.ReadLeaf(directory, fileBlock);
                _area = _lease.Bytes[..layout.LeafBytes];
            }
            else if (fileBlock == EntryPlace.InlineBlock)
            {
                _lease = default;
                _area = InlineDirectories.FirstArea(directory);
            }
            else
            {
                _lease = inline.OpenSecondArea(directory, out _area);
            }
            _fileBlock = fileBlock;
            _isHeld = true;
        }
        return _area;
    }

    /// <summary>A record that was validated since the directory changed last. The block may have been read again
    /// since, from an image that somebody else changes.</summary>
    /// <exception cref="Ext4CorruptException">It is not there any more.</exception>
    public DirectoryRecord At(uint fileBlock, int offset)
    {
        ReadOnlySpan<byte> area = Area(fileBlock);
        ref readonly DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(area, offset);
        int length = DirectoryRecordHeader.DecodeLength(header.RawLength, layout.BlockSizeBytes);
        if (length < DirectoryRecordHeader.LengthFor(header.NameLength, layout.HasStoredHash)
            || length > area.Length - offset)
        {
            Ext4CorruptException.Throw(Corruption.DirectoryRecordLength,
                $"directory {layout.Directory}, block {fileBlock}, offset {offset}: changed by somebody else");
        }
        return new DirectoryRecord(offset, area.Slice(offset, length));
    }

    /// <summary>Gives the block back.</summary>
    public void Dispose()
    {
        _lease.Dispose();
        _lease = default;
        _isHeld = false;
    }
}

using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>Collects the complete fast commits behind the last full one.</summary>
/// <remarks>
/// <para>The area is a sequence of tags. A commit ends with a tail that names the transaction and carries a checksum of
/// everything since the previous tail. Whatever follows the last good tail is the normal end: a torn commit, or what
/// an earlier transaction left. Nothing in the area is damage: a commit is there as a whole or not at all.</para>
/// <para>Docs: ext4/journal, "Fast commits". Kernel: ext4_fc_replay_scan.</para>
/// </remarks>
internal sealed class FastCommitScanner(JournalSource journal, int inodeSizeBytes)
{
    private const int TagHeaderBytes = 4;
    private const int RangeBytes = 16;
    private const int DeletedRangeBytes = 12;
    private const int HeadBytes = 8;
    private const int TailBytes = 8;
    private const int MaximumNameBytes = 255;

    private readonly List<FastCommitRecord> _records = [];
    private int _complete;
    private uint _crc;
    private bool _hasHead;

    /// <summary>Reads the area.</summary>
    /// <param name="transaction">The one that the commits must belong to: the first that is not in the log.</param>
    /// <exception cref="Storage.DeviceException">A read failed.</exception>
    public IReadOnlyList<FastCommitRecord> Scan(uint transaction)
    {
        JournalGeometry geometry = journal.Geometry;
        if (!geometry.HasFastCommits)
        {
            return [];
        }
        var reader = new LogReader(journal.Log);
        for (uint block = geometry.FirstFastCommitBlock; block < geometry.LengthBlocks; block++)
        {
            if (!ScanBlock(reader.Block(block).ToArray(), transaction))
            {
                break;
            }
        }
        _records.RemoveRange(_complete, _records.Count - _complete);
        return _records;
    }

    /// <param name="memory">A copy of its own: the records refer to it.</param>
    /// <param name="transaction">See <see cref="Scan"/>.</param>
    private bool ScanBlock(ReadOnlyMemory<byte> memory, uint transaction)
    {
        ReadOnlySpan<byte> block = memory.Span;
        int at = 0;
        while (at + TagHeaderBytes <= block.Length)
        {
            var tag = (FastCommitTag)BinaryPrimitives.ReadUInt16LittleEndian(block[at..]);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(block[(at + 2)..]);
            int start = at + TagHeaderBytes;
            if (length > block.Length - start || !HasValidLength(tag, length))
            {
                return false;
            }
            if (!ScanTag(tag, memory[at..(start + length)], transaction))
            {
                return false;
            }
            at = start + length;
        }
        return true;
    }

    private bool ScanTag(FastCommitTag tag, ReadOnlyMemory<byte> memory, uint transaction)
    {
        ReadOnlySpan<byte> whole = memory.Span;
        ReadOnlySpan<byte> value = whole[TagHeaderBytes..];
        switch (tag)
        {
            case FastCommitTag.Head:
                uint features = BinaryPrimitives.ReadUInt32LittleEndian(value);
                _hasHead = features == 0 && BinaryPrimitives.ReadUInt32LittleEndian(value[4..]) == transaction;
                _crc = Crc32C.Append(_crc, whole);
                return _hasHead;
            case FastCommitTag.Tail:
                _crc = Crc32C.Append(_crc, whole[..(TagHeaderBytes + sizeof(uint))]);
                bool isGood = _hasHead && BinaryPrimitives.ReadUInt32LittleEndian(value) == transaction
                    && BinaryPrimitives.ReadUInt32LittleEndian(value[4..]) == _crc;
                _complete = isGood ? _records.Count : _complete;
                _crc = 0;
                return isGood;
            case FastCommitTag.Padding:
                _crc = Crc32C.Append(_crc, whole);
                return _hasHead;
            default:
                _records.Add(new FastCommitRecord(tag, memory[TagHeaderBytes..]));
                _crc = Crc32C.Append(_crc, whole);
                return _hasHead;
        }
    }

    private bool HasValidLength(FastCommitTag tag, int length) => tag switch
    {
        FastCommitTag.AddRange => length == RangeBytes,
        FastCommitTag.DeleteRange => length == DeletedRangeBytes,
        FastCommitTag.Create or FastCommitTag.Link or FastCommitTag.Unlink =>
            length > FastCommitRecord.EntryHeaderBytes
            && length <= FastCommitRecord.EntryHeaderBytes + MaximumNameBytes,
        FastCommitTag.Inode => length >= FastCommitRecord.InodeHeaderBytes + InodeRecord.SizeBytes
            && length <= FastCommitRecord.InodeHeaderBytes + inodeSizeBytes,
        FastCommitTag.Padding => true,
        FastCommitTag.Tail => length >= TailBytes,
        FastCommitTag.Head => length == HeadBytes,
        _ => false,
    };
}

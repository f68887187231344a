using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Has the host begin to write what a long sequential write has put into its page cache, so that the medium works
/// while the data is still coming and the flush at the end finds little to do.</summary>
/// <remarks>Small and scattered writes are left alone: much of what they write is overwritten or deleted before the host
/// would have written it. The call only starts the transfer (sync_file_range(2), SYNC_FILE_RANGE_WRITE): it neither makes
/// anything durable nor consumes an error that a flush has to report.</remarks>
internal sealed class WriteBehind
{
    /// <summary>Writes shorter than this do not come from a long sequential one: the kernel sends those in the largest
    /// requests it was allowed.</summary>
    private const int LongWriteBytes = 128 << 10;

    /// <summary>What is collected before a transfer starts: long for the medium, and no more than one request of the
    /// kernel, so that files written at the same time, whose requests alternate, are seen as well.</summary>
    private const long PieceBytes = 1 << 20;

    private readonly Lock _gate = new();
    private long _first;
    private long _end;

    /// <summary>To be called after a write.</summary>
    public void Wrote(FileDescriptor descriptor, long offset, int length)
    {
        if (length < LongWriteBytes)
        {
            return;
        }
        long first;
        long end;
        lock (_gate)
        {
            if (offset != _end)
            {
                _first = offset;
            }
            _end = offset + length;
            if (_end - _first < PieceBytes)
            {
                return;
            }
            (first, end) = (_first, _end);
            _first = _end;
        }
        const uint startWriting = 2;
        _ = LibC.SyncFileRange(descriptor, first, end - first, startWriting);
    }
}

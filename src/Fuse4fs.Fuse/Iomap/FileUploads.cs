using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>What the kernel's cache holds of one file's mappings, as far as we know; and who may change that now.</summary>
/// <remarks>
/// <para><b>The gate.</b> A mapping that was read, then became untrue, and only then is sent would send data to blocks of
/// somebody else. So uploads (from looking at the map to the end of sending) and changes of the map (from before the
/// change until its reply is on its way) exclude each other; there may be many of either at once. Changes go first: an
/// upload that meets one is left out, the answer to BEGIN does without it. The gate comes before the locks of inodes:
/// never enter it holding one, nor while inside it.</para>
/// <para>What a handler of BEGIN has just allocated contradicts what may be cached: it leaves the gate as a changer and
/// either enters it again to upload the new mapping, or calls <see cref="Invalidate"/>, both before its reply.</para>
/// <para><b>The count</b> is never less than the kernel's as long as it hears of everything the kernel drops:
/// <see cref="Dropped"/>. When the kernel forgets the file, so is this object.</para>
/// </remarks>
public sealed class FileUploads
{
    private const int FirstWindow = 64;
    private const int LeastWindow = 8;
    private const int RoomShare = 16;

    private readonly IomapConnection _connection;
    private readonly Lock _gate = new();
    private readonly UploadGate _passage = new();
    private readonly MappingRanges _ranges = new();
    private readonly Queue<(long From, long To)> _windows = new();
    private int _window = FirstWindow;
    private long _next;

    /// <summary>Mappings at most that batches under way will add.</summary>
    private int _sending;

    /// <param name="connection">Where to send.</param>
    /// <param name="file">Which file.</param>
    public FileUploads(IomapConnection connection, FileIdentity file)
    {
        _connection = connection;
        File = file;
    }

    /// <summary>The file.</summary>
    public FileIdentity File { get; }

    /// <summary>Most mappings that are kept in the kernel: less than it would take, because it splits a mapping when a piece
    /// in its middle goes.</summary>
    public int Limit => _connection.CachedMappingsPerFile - (_connection.CachedMappingsPerFile / RoomShare);

    /// <summary>Mappings the kernel has; at most so many.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _ranges.Count;
            }
        }
    }

    /// <summary>Before looking at the map in order to upload. Never waits.</summary>
    /// <returns>False: the map is being changed, upload nothing.</returns>
    public bool TryEnter() => _passage.TryEnter();

    /// <summary>After sending.</summary>
    public void Leave() => _passage.Leave();

    /// <summary>Before a change of the map, and before its locks. Waits for uploads under way, which wait for
    /// nothing but the kernel's cache.</summary>
    public void EnterChange() => _passage.EnterChange();

    /// <summary>After the change, at best after the reply that tells of it.</summary>
    public void LeaveChange() => _passage.LeaveChange();

    /// <summary>Whether all of a range was uploaded.</summary>
    public bool Covers(long offset, long length)
    {
        lock (_gate)
        {
            return _ranges.Covers(offset, offset + length);
        }
    }

    /// <summary>How many mappings to upload from the one on that holds this byte: twice as many as last time where the
    /// accesses follow each other, half as many where they do not.</summary>
    /// <param name="offset">Where BEGIN asks.</param>
    /// <returns>At least 8, at most a quarter of the limit.</returns>
    public int NextWindow(long offset)
    {
        lock (_gate)
        {
            bool isFirst = _windows.Count == 0;
            bool isSequential = offset == _next;
            _window = isFirst ? FirstWindow
                : isSequential ? _window * 2
                : Math.Max(_window / 2, LeastWindow);
            _window = Math.Max(1, Math.Min(_window, Limit / 4));
            return _window;
        }
    }

    /// <summary>Sends a batch of this file, its mappings in ascending order, and remembers it. Before, it drops the windows
    /// uploaded longest ago where otherwise there would be too many. Inside the gate, with no lock held.</summary>
    /// <returns>Ok; or the first error: what could not be uploaded is then not cached in any form.</returns>
    public Errno Send(MappingBatch batch)
    {
        if (batch.Count == 0)
        {
            return Errno.Ok;
        }
        int growth = 0;
        Errno error = batch.Count > Limit ? Errno.NoSpace : MakeRoom(batch, out growth);
        if (error != Errno.Ok)
        {
            return DropUnsent(batch, error);
        }
        error = batch.Send();
        lock (_gate)
        {
            _sending -= growth;
            for (int i = 0; i < batch.Count; i++)
            {
                (long offset, long length) = batch.RangeOf(i);
                if (batch.ResultOf(i) == Errno.Ok)
                {
                    _ranges.Add(offset, offset + length);
                }
            }
            (long first, _) = batch.RangeOf(0);
            (long last, long lastLength) = batch.RangeOf(batch.Count - 1);
            _next = last + lastLength;
            _windows.Enqueue((Math.Min(first, last), Math.Max(first, _next)));
        }
        return error == Errno.Ok ? Errno.Ok : DropRefused(batch, error);
    }

    /// <summary>Tells the kernel to drop its mappings of a range. Needs no gate; with no lock held.</summary>
    /// <param name="offset">A multiple of the block size.</param>
    /// <param name="length">Likewise; <see cref="long.MaxValue"/>: to the end.</param>
    public Errno Invalidate(long offset, long length)
    {
        Errno error = _connection.Invalidate(File, offset, length);
        if (error is not (Errno.Ok or Errno.Stale))
        {
            // A piece out of the middle of a mapping may take memory; everything does not.
            (offset, length) = (0, long.MaxValue);
            error = _connection.Invalidate(File, offset, length);
        }
        if (error is Errno.Ok)
        {
            Dropped(offset, length == long.MaxValue ? length : offset + length);
        }
        else if (error is Errno.Stale)
        {
            Dropped(0, long.MaxValue);
            return Errno.Ok;
        }
        return error;
    }

    /// <summary>The kernel drops, or is about to: what a completion covers in whole blocks, all behind a new size, what
    /// fallocate, a copy into the file or a write of inline data changed.</summary>
    /// <param name="from">First byte; rounded down to a block.</param>
    /// <param name="to">The byte behind; rounded up.</param>
    public void Dropped(long from, long to)
    {
        long mask = _connection.BlockSizeBytes - 1;
        lock (_gate)
        {
            _ranges.Remove(from & ~mask, to > long.MaxValue - mask ? long.MaxValue : (to + mask) & ~mask);
        }
    }

    /// <summary>Makes room beside what is there and what others are sending, and keeps it.</summary>
    private Errno MakeRoom(MappingBatch batch, out int growth)
    {
        while (true)
        {
            long from = 0;
            long to = long.MaxValue;
            lock (_gate)
            {
                growth = Growth(batch);
                if (_ranges.Count + _sending + growth <= Limit || (_ranges.Count == 0 && _sending == 0))
                {
                    _sending += growth;
                    return Errno.Ok;
                }
                if (_ranges.Count == 0)
                {
                    return Errno.NoSpace;       // the others take it all
                }
                if (_windows.TryDequeue(out (long From, long To) oldest))
                {
                    (from, to) = oldest;
                }
            }
            Errno error = Invalidate(from, to == long.MaxValue ? to : to - from);
            if (error != Errno.Ok)
            {
                return error;
            }
        }
    }

    /// <summary>Most by which the number of mappings grows: one in the middle of an older one makes three of it.</summary>
    private int Growth(MappingBatch batch)
    {
        int growth = batch.Count;
        for (int i = 0; i < batch.Count; i++)
        {
            (long offset, long length) = batch.RangeOf(i);
            growth += _ranges.Splits(offset, offset + length) ? 1 : 0;
        }
        return growth;
    }

    /// <summary>Nothing was sent: what the kernel has of these ranges may be older.</summary>
    private Errno DropUnsent(MappingBatch batch, Errno error)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            (long offset, long length) = batch.RangeOf(i);
            _ = Invalidate(offset, length);
        }
        return error;
    }

    /// <summary>The kernel may still have something older where a mapping was refused.</summary>
    private Errno DropRefused(MappingBatch batch, Errno error)
    {
        if (error == Errno.Stale)
        {
            Dropped(0, long.MaxValue);
            return error;
        }
        for (int i = 0; i < batch.Count; i++)
        {
            if (batch.ResultOf(i) != Errno.Ok)
            {
                (long offset, long length) = batch.RangeOf(i);
                _ = Invalidate(offset, length);
            }
        }
        return error;
    }
}

namespace Fuse4fs.Ext4.Storage;

/// <summary>Pieces of a device that are read before they are wanted, for a device without a page cache of its own.</summary>
/// <remarks>
/// <para>Nobody waits for a piece: who wants what is not there yet reads it himself. So the thread that reads pieces may
/// be held up by anything.</para>
/// <para>What is written drops the pieces it touches when it is written: a piece never shows what was there before to a
/// read that begins after a write has ended. Others write to the device as well, but only file data, which is never read
/// here.</para>
/// </remarks>
internal sealed class AheadPieces : IDisposable
{
    /// <summary>Pieces begin at multiples of this.</summary>
    public const int PieceBytes = 128 << 10;

    /// <summary>8 MiB.</summary>
    private const int MostPieces = 64;

    private const int KeptBuffers = 4;

    private readonly object _gate = new();
    private readonly List<Piece> _pieces = [];
    private readonly Action<AlignedBuffer, int, long> _read;
    private readonly AlignedBufferPool _buffers = new(PieceBytes, KeptBuffers);
    private readonly long _endBytes;
    private volatile int _count;
    private Thread? _reader;
    private bool _isEnding;

    /// <param name="endBytes">Where the device ends.</param>
    /// <param name="read">Reads so many bytes from a place on; throws what it cannot.</param>
    public AheadPieces(long endBytes, Action<AlignedBuffer, int, long> read)
    {
        _endBytes = endBytes;
        _read = read;
    }

    /// <summary>How many pieces there are that can be read.</summary>
    public int ReadyCount
    {
        get
        {
            lock (_gate)
            {
                return _pieces.Count(piece => piece.IsReady);
            }
        }
    }

    /// <summary>A range will be wanted soon.</summary>
    public void Add(long at, long length)
    {
        long end = Math.Min(_endBytes, at + length);
        lock (_gate)
        {
            for (long first = at / PieceBytes * PieceBytes; first < end && !_isEnding; first += PieceBytes)
            {
                if (IndexOf(first) < 0 && MakeRoom())
                {
                    _pieces.Add(new Piece(first, (int)Math.Min(PieceBytes, _endBytes - first)));
                }
            }
            _count = _pieces.Count;
            if (_count > 0 && _reader is null && !_isEnding)
            {
                _reader = new Thread(ReadPieces) { IsBackground = true, Name = "read-ahead" };
                _reader.Start();
            }
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Gives what was read ahead.</summary>
    /// <returns>False: not all of it is there.</returns>
    public bool TryRead(long at, Span<byte> target)
    {
        if (_count == 0 || target.IsEmpty)
        {
            return false;
        }
        lock (_gate)
        {
            int index = IndexOf(at / PieceBytes * PieceBytes);
            if (index < 0 || !_pieces[index].IsReady)
            {
                return false;
            }
            Piece piece = _pieces[index];
            int inside = (int)(at - piece.First);
            if (target.Length > piece.Length - inside)
            {
                return false;
            }
            piece.Buffer!.Bytes.Slice(inside, target.Length).CopyTo(target);
            if (inside + target.Length == piece.Length)
            {
                Remove(index);      // read to its end
            }
            return true;
        }
    }

    /// <summary>A range was written.</summary>
    public void Drop(long at, long length)
    {
        if (_count == 0)
        {
            return;
        }
        lock (_gate)
        {
            for (int i = _pieces.Count - 1; i >= 0; i--)
            {
                if (_pieces[i].First < at + length && at < _pieces[i].First + _pieces[i].Length)
                {
                    Remove(i);
                }
            }
        }
    }

    /// <summary>Ends the reading thread.</summary>
    public void Dispose()
    {
        Thread? reader;
        lock (_gate)
        {
            _isEnding = true;
            reader = _reader;
            Monitor.PulseAll(_gate);
        }
        reader?.Join();
        lock (_gate)
        {
            while (_pieces.Count > 0)
            {
                Remove(_pieces.Count - 1);
            }
        }
        _buffers.Dispose();
    }

    private int IndexOf(long first)
    {
        for (int i = 0; i < _pieces.Count; i++)
        {
            if (_pieces[i].First == first)
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>The one that has waited longest for somebody to read it goes.</summary>
    private bool MakeRoom()
    {
        int oldest = _pieces.Count < MostPieces ? -1 : _pieces.FindIndex(piece => piece.IsReady);
        if (oldest >= 0)
        {
            Remove(oldest);
        }
        return _pieces.Count < MostPieces;
    }

    /// <summary>One that is being read is given up by its reader.</summary>
    private void Remove(int index)
    {
        Piece piece = _pieces[index];
        _pieces.RemoveAt(index);
        _count = _pieces.Count;
        piece.IsGone = true;
        if (piece.IsReady)
        {
            _buffers.Return(piece.Buffer!);
        }
    }

    private void ReadPieces()
    {
        while (TryTakeUp(out Piece piece))
        {
            bool isRead = false;
            try
            {
                _read(piece.Buffer!, piece.Length, piece.First);
                isRead = true;
            }
            catch (DeviceException)
            {
                // Whoever reads there himself will be told.
            }
            lock (_gate)
            {
                piece.IsReady = isRead && !piece.IsGone;
                if (!piece.IsReady)
                {
                    _buffers.Return(piece.Buffer!);
                    _ = !piece.IsGone && _pieces.Remove(piece);
                    _count = _pieces.Count;
                }
            }
        }
    }

    private bool TryTakeUp(out Piece piece)
    {
        lock (_gate)
        {
            while (!_isEnding)
            {
                int next = _pieces.FindIndex(static waiting => waiting.Buffer is null);
                if (next >= 0)
                {
                    piece = _pieces[next];
                    piece.Buffer = _buffers.Rent();
                    return true;
                }
                Monitor.Wait(_gate);
            }
            piece = null!;
            return false;
        }
    }

    /// <summary>Guarded by the gate, but for the bytes while they are read.</summary>
    private sealed class Piece(long first, int length)
    {
        public long First { get; } = first;

        public int Length { get; } = length;

        /// <summary>Null until its turn has come.</summary>
        public AlignedBuffer? Buffer { get; set; }

        public bool IsReady { get; set; }

        /// <summary>Nobody wants it any more.</summary>
        public bool IsGone { get; set; }
    }
}

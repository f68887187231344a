using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>Builds one reply: structures and bytes in the worker's own buffer, and pieces of memory elsewhere, in the
/// order in which they are appended.</summary>
/// <remarks>The first byte of payload lies on a page boundary, so a READ can be filled by direct I/O.</remarks>
public unsafe struct ReplyWriter
{
    private readonly ReplyBuffer _buffer;
    private readonly IFuseTransport _transport;
    private readonly byte* _start;
    private readonly int _capacity;
    private int _inline;
    private int _pieceStart;
    private int _pieces;
    private long _outside;

    /// <param name="buffer">Reused for every reply of a worker.</param>
    /// <param name="transport">Where the request came from: deferred replies go back there.</param>
    public ReplyWriter(ReplyBuffer buffer, IFuseTransport transport)
    {
        _buffer = buffer;
        _transport = transport;
        _start = buffer.Payload;
        _capacity = buffer.PayloadBytes;
    }

    /// <summary>Payload so far, bytes, the header not counted.</summary>
    public readonly long Length => _inline + _outside;

    /// <summary>The unused part of the buffer: fill it, then <see cref="Advance"/>. What was in it before is old data
    /// of other replies and must not leave.</summary>
    public readonly Span<byte> Free => new(_start + _inline, _capacity - _inline);

    /// <summary>Where <see cref="Free"/> is, for system calls. Page-aligned while nothing was appended.</summary>
    public readonly byte* FreePointer => _start + _inline;

    /// <summary>Whether <see cref="Defer"/> was called.</summary>
    public bool IsDeferred { get; private set; }

    /// <summary>Appends a structure of zeros and gives access to it.</summary>
    public ref T Append<T>() where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        CheckRoom(size);
        ref T slot = ref Unsafe.AsRef<T>(_start + _inline);
        slot = default;
        _inline += size;
        return ref slot;
    }

    /// <summary>Appends a copy.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        CheckRoom(bytes.Length);
        bytes.CopyTo(Free);
        _inline += bytes.Length;
    }

    /// <summary>Counts bytes that were put into <see cref="Free"/> as appended.</summary>
    public void Advance(int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        CheckRoom(lengthBytes);
        _inline += lengthBytes;
    }

    /// <summary>Whether <see cref="TryAppendMemory"/> has to copy: then better read into <see cref="Free"/>.</summary>
    public readonly bool CopiesMemory => _buffer.Pieces.Length == 0;

    /// <summary>Appends memory, where possible without copying it. It must stay until
    /// <see cref="IRequestHandler.Leave"/>; if it turns out to be unreadable the answer is EIO.</summary>
    /// <returns>False when the reply already has all the pieces it can have, or could not be copied; then nothing was
    /// appended.</returns>
    public bool TryAppendMemory(void* start, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        if (CopiesMemory)
        {
            return TryCopy(start, lengthBytes);
        }
        const int keptForInline = 2;
        if (_pieces + keptForInline >= _buffer.Pieces.Length)
        {
            return false;
        }
        if (lengthBytes > 0)
        {
            CloseInlinePiece();
            _buffer.Pieces[_pieces++] = new IoVector { Base = start, Length = (nuint)lengthBytes };
            _outside += lengthBytes;
        }
        return true;
    }

    /// <summary>Drops what was appended.</summary>
    public void Clear()
    {
        _inline = 0;
        _pieceStart = 0;
        _pieces = 0;
        _outside = 0;
    }

    /// <summary>Takes over the duty to answer: the handler returns at once and the reply is written later, from any
    /// thread, through the token. What was appended here is dropped.</summary>
    public DeferredReply Defer(in InHeader header)
    {
        IsDeferred = true;
        return new DeferredReply(_transport, header.Unique);
    }

    /// <summary>Takes the request aside, to be handled as a whole later: <see cref="FuseSession.Serve"/>. Nothing was taken
    /// from the body yet, and the handler returns at once.</summary>
    public HeldRequest Hold(in InHeader header, in RequestReader body)
    {
        IsDeferred = true;
        IsHeld = true;
        return new HeldRequest(in header, body.ToMessage(in header), _transport);
    }

    /// <summary>Whether <see cref="Hold"/> was called.</summary>
    internal bool IsHeld { get; private set; }

    /// <summary>The handler failed after it had deferred: the session answers. A late answer finds nobody.</summary>
    internal void Undefer() => IsDeferred = false;

    /// <summary>Writes the reply. The header goes in front, an error drops the payload.</summary>
    internal Errno Send(ulong unique, Errno error)
    {
        if (error != Errno.Ok)
        {
            Clear();
        }
        ref OutHeader header = ref *(OutHeader*)_buffer.Header;
        header.Length = (uint)(ReplyBuffer.HeaderBytes + Length);
        header.Error = -(int)error;
        header.Unique = unique;
        if (_pieces == 0)
        {
            return _transport.Write(new ReadOnlySpan<byte>(_buffer.Header, ReplyBuffer.HeaderBytes + _inline));
        }
        CloseInlinePiece();
        return _transport.WriteVectors(_buffer.Pieces.AsSpan(0, _pieces));
    }

    /// <summary>What lies in the buffer since the last outside piece becomes a piece; the first one takes the header
    /// with it.</summary>
    private void CloseInlinePiece()
    {
        byte* start = _pieces == 0 ? _buffer.Header : _start + _pieceStart;
        long length = _start + _inline - start;
        if (length > 0)
        {
            _buffer.Pieces[_pieces++] = new IoVector { Base = start, Length = (nuint)length };
        }
        _pieceStart = _inline;
    }

    /// <summary>Managed code must not read memory that may be a mapping of a file cut short.</summary>
    private bool TryCopy(void* start, int lengthBytes)
    {
        if (lengthBytes > _capacity - _inline
            || (lengthBytes > 0 && LibC.CopyGuarded(FreePointer, start, (nuint)lengthBytes) != Errno.Ok))
        {
            return false;
        }
        _inline += lengthBytes;
        return true;
    }

    private readonly void CheckRoom(int lengthBytes)
    {
        if (lengthBytes > _capacity - _inline)
        {
            ThrowNoRoom(lengthBytes, _capacity - _inline);
        }
    }

    [DoesNotReturn]
    private static void ThrowNoRoom(int wanted, int free)
        => throw new InvalidOperationException($"a reply needs {wanted} bytes where {free} are free");
}

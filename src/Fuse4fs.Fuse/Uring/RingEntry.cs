using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Uring;

/// <summary>One place for one request: memory shared with the kernel, which fills in a request and later takes the
/// reply out of the same place. Answers its request as a transport does.</summary>
/// <remarks>Memory: a page that starts with <see cref="UringHeaders"/> and whose end is put together as the beginning
/// of the request, then the payload: so the request lies in one piece without copying its data. A reply to a request
/// without payload is built in place too, its header in the 16 bytes before the payload.</remarks>
internal sealed unsafe class RingEntry : IFuseTransport
{
    private const int PageBytes = 4096;

    private readonly RingWorker _worker;
    private readonly IoVector* _vectors;
    private readonly int _payloadBytes;
    private byte* _memory;
    private ulong _unanswered;

    public RingEntry(RingWorker worker, int index, int queue, int payloadBytes)
    {
        _worker = worker;
        _payloadBytes = payloadBytes;
        Index = index;
        Queue = queue;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(PageBytes + payloadBytes), PageBytes);
        new Span<byte>(_memory, PageBytes).Clear();
        _vectors = (IoVector*)(_memory + sizeof(UringHeaders));
        _vectors[0] = new IoVector { Base = _memory, Length = (nuint)sizeof(UringHeaders) };
        _vectors[1] = new IoVector { Base = Payload, Length = (nuint)payloadBytes };
        Reply = new ReplyBuffer(_memory, payloadBytes);
    }

    public int Index { get; }

    /// <summary>The CPU whose requests come here.</summary>
    public int Queue { get; }

    /// <summary>For replies to requests without payload.</summary>
    public ReplyBuffer Reply { get; }

    /// <summary>Whether the request has payload, which a reply must not overwrite yet.</summary>
    public bool HasPayload => Headers.Entry.PayloadBytes != 0;

    /// <summary>Where the kernel finds the memory.</summary>
    public ulong VectorsAddress => (ulong)_vectors;

    /// <summary>Names the request to the kernel: its unique.</summary>
    public ulong CommitId { get; private set; }

    private byte* Payload => _memory + PageBytes;

    private ref UringHeaders Headers => ref *(UringHeaders*)_memory;

    /// <summary>The kernel has put a request here: gives its bytes in one piece.</summary>
    public ReadOnlySpan<byte> TakeRequest()
    {
        ref UringHeaders headers = ref Headers;
        CommitId = headers.Entry.CommitId;
        InHeader header = Unsafe.As<UringArea, InHeader>(ref headers.InOut);
        long payload = Math.Min(headers.Entry.PayloadBytes, (uint)_payloadBytes);
        long operation = header.Length - sizeof(InHeader) - payload;
        if (operation is < 0 or > 128)
        {
            operation = 0; // The length then disagrees with the header: answered as malformed.
        }
        byte* start = Payload - operation - sizeof(InHeader);
        *(InHeader*)start = header;
        ((Span<byte>)headers.Operation)[..(int)operation].CopyTo(new Span<byte>(Payload - operation, (int)operation));
        Volatile.Write(ref _unanswered, header.Unique);
        return new ReadOnlySpan<byte>(start, (int)(sizeof(InHeader) + operation + payload));
    }

    /// <summary>Whether the kernel has the entry; else it waits for its reply. Used by the worker's thread alone.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Whether the kernel gave it back for good.</summary>
    public bool IsLost { get; set; }

    /// <summary>The connection is over: from here on nobody answers the request.</summary>
    /// <returns>False when somebody is just about to.</returns>
    public bool TryClose() => Interlocked.Exchange(ref _unanswered, 0) != 0;

    /// <summary>Whether the reply is still to come.</summary>
    public bool IsUnanswered => Volatile.Read(ref _unanswered) != 0;

    /// <inheritdoc/>
    public Errno Write(ReadOnlySpan<byte> message)
    {
        ref byte start = ref MemoryMarshal.GetReference(message);
        bool isInPlace = Unsafe.AreSame(ref start, ref Unsafe.AsRef<byte>(Payload - ReplyBuffer.HeaderBytes));
        ref readonly OutHeader header = ref Unsafe.As<byte, OutHeader>(ref start);
        if (!TryBegin(header.Unique, message.Length))
        {
            return Errno.NoEntry;
        }
        if (!isInPlace)
        {
            message[ReplyBuffer.HeaderBytes..].CopyTo(new Span<byte>(Payload, _payloadBytes));
        }
        return Commit(in header);
    }

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        // Only deferred replies come in pieces: header first, then one piece elsewhere.
        long length = 0;
        foreach (ref readonly IoVector piece in pieces)
        {
            length += (long)piece.Length;
        }
        OutHeader header = *(OutHeader*)pieces[0].Base;
        if (!TryBegin(header.Unique, length))
        {
            return Errno.NoEntry;
        }
        int skip = ReplyBuffer.HeaderBytes;
        byte* to = Payload;
        foreach (ref readonly IoVector piece in pieces)
        {
            nuint count = piece.Length - (nuint)skip;
            NativeMemory.Copy((byte*)piece.Base + skip, to, count);
            to += count;
            skip = 0;
        }
        return Commit(in header);
    }

    public ReadOutcome Read(Span<byte> buffer, out int length)
        => throw new NotSupportedException("a ring's requests come by completions");

    public Errno Ioctl(uint request, Span<byte> argument, out int result)
        => throw new NotSupportedException("a ring has no ioctl");

    public Errno Clone(out IFuseTransport? clone)
        => throw new NotSupportedException("a ring has no clone");

    public void Dispose()
    {
        Reply.Dispose();
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    /// <summary>Whoever gets here first answers; a second answer finds nobody.</summary>
    private bool TryBegin(ulong unique, long messageBytes)
        => messageBytes - ReplyBuffer.HeaderBytes <= _payloadBytes
            && unique != 0
            && Interlocked.CompareExchange(ref _unanswered, 0, unique) == unique;

    private Errno Commit(in OutHeader reply)
    {
        ref UringHeaders headers = ref Headers;
        Unsafe.As<UringArea, OutHeader>(ref headers.InOut) = reply;
        headers.Entry.PayloadBytes = reply.Length - ReplyBuffer.HeaderBytes;
        _worker.Commit(this);
        return Errno.Ok;
    }
}

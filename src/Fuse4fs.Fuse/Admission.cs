using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>Keeps threads free for write-back: a worker does not know what it will read, but what it has read it need not
/// handle. Of all workers only so many may be at ordinary requests; one that has read another one puts it aside, for
/// whoever is done with his next, and goes on reading.</summary>
/// <remarks>Every request of write-back may be the only thing that frees memory, so nothing managed is allocated here. What
/// is put aside is bounded by what the kernel has unanswered.</remarks>
internal sealed unsafe class Admission
{
    private const int PageBytes = 4096;

    private readonly IomapDispatcher _iomap;
    private readonly int _mostOrdinary;
    private readonly object _gate = new();
    private readonly Queue<Aside> _aside = new(256);
    private int _ordinary;
    private int _reserved;

    /// <param name="iomap">Knows which requests are for write-back.</param>
    /// <param name="mostOrdinary">Workers that may be at other requests at once.</param>
    public Admission(IomapDispatcher iomap, int mostOrdinary)
    {
        _iomap = iomap;
        _mostOrdinary = mostOrdinary;
    }

    /// <summary>Requests taken up so far that are not put aside and not done.</summary>
    public int Inside
    {
        get
        {
            lock (_gate)
            {
                return _ordinary + _reserved + _aside.Count;
            }
        }
    }

    /// <summary>A request was read.</summary>
    /// <param name="message">The request.</param>
    /// <param name="transport">Where it came from.</param>
    /// <param name="isReserved">Its kind, for <see cref="Done"/>.</param>
    /// <returns>False: it was put aside, there is nothing to do.</returns>
    public bool Admit(ReadOnlySpan<byte> message, IFuseTransport transport, out bool isReserved)
    {
        int headerBytes = sizeof(InHeader);
        isReserved = MemoryMarshal.TryRead(message, out InHeader header)
            && _iomap.IsReserved(in header, message[headerBytes..]);
        lock (_gate)
        {
            if (isReserved)
            {
                _reserved++;
                return true;
            }
            if (_ordinary < _mostOrdinary)
            {
                _ordinary++;
                return true;
            }
            _aside.Enqueue(Copy(message, transport));
            return false;
        }
    }

    /// <summary>An admitted request is done.</summary>
    /// <param name="isReserved">Its kind.</param>
    /// <param name="next">One that was put aside, now to be handled and then to be reported done as well.</param>
    /// <returns>Whether there is one.</returns>
    public bool Done(bool isReserved, out Aside next)
    {
        lock (_gate)
        {
            next = default;
            if (isReserved)
            {
                _reserved--;
                return false;
            }
            if (_aside.TryDequeue(out next))
            {
                return true;
            }
            _ordinary--;
            return false;
        }
    }

    private static Aside Copy(ReadOnlySpan<byte> message, IFuseTransport transport)
    {
        // As in a RequestBuffer, so that the data of a WRITE lies on a page boundary here, too.
        int skipped = PageBytes - sizeof(InHeader) - sizeof(WriteIn);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)(skipped + message.Length), PageBytes);
        message.CopyTo(new Span<byte>(memory + skipped, message.Length));
        return new Aside(memory, skipped, message.Length, transport);
    }

    /// <summary>A request that waits for a worker.</summary>
    internal readonly struct Aside(byte* memory, int skipped, int length, IFuseTransport transport)
    {
        public ReadOnlySpan<byte> Message => new(memory + skipped, length);

        /// <summary>Where the reply goes.</summary>
        public IFuseTransport Transport => transport;

        public void Free() => NativeMemory.AlignedFree(memory);
    }
}

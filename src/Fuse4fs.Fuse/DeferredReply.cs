using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>The right and the duty to answer one request later, from any thread, exactly once.</summary>
/// <remarks>Goes out on the descriptor the request came from, as the kernel asks; when the session is over it goes
/// nowhere. Small enough to be stored by value.</remarks>
public readonly unsafe struct DeferredReply
{
    private readonly IFuseTransport? _transport;

    internal DeferredReply(IFuseTransport transport, ulong unique)
    {
        _transport = transport;
        Unique = unique;
    }

    /// <summary>The request's number: what <see cref="IRequestHandler.Interrupted"/> will name.</summary>
    public ulong Unique { get; }

    /// <summary>False for the default value, which answers nothing.</summary>
    public bool IsPending => _transport is not null;

    /// <summary>Answers with no payload.</summary>
    /// <returns>What the write gave. NoEntry and NoDevice mean that nobody waits any more.</returns>
    public Errno Complete(Errno error)
    {
        if (_transport is null)
        {
            return Errno.NoEntry;
        }
        var header = new OutHeader { Length = ReplyBuffer.HeaderBytes, Error = -(int)error, Unique = Unique };
        try
        {
            return _transport.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<OutHeader>(in header)));
        }
        catch (ObjectDisposedException)
        {
            return Errno.NoDevice;
        }
    }

    /// <summary>Answers Ok with a payload.</summary>
    public Errno Complete(ReadOnlySpan<byte> payload)
    {
        if (_transport is null)
        {
            return Errno.NoEntry;
        }
        var header = new OutHeader { Length = (uint)(ReplyBuffer.HeaderBytes + payload.Length), Unique = Unique };
        fixed (byte* data = payload)
        {
            IoVector* pieces = stackalloc IoVector[2];
            pieces[0] = new IoVector { Base = &header, Length = ReplyBuffer.HeaderBytes };
            pieces[1] = new IoVector { Base = data, Length = (nuint)payload.Length };
            try
            {
                return _transport.WriteVectors(new ReadOnlySpan<IoVector>(pieces, payload.IsEmpty ? 1 : 2));
            }
            catch (ObjectDisposedException)
            {
                return Errno.NoDevice;
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Fuse4fs.Testing;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A kernel that sends whatever it is told, one request after the other, and looks at every answer as
/// fuse_dev_write does.</summary>
internal sealed unsafe class HostileKernel : IFuseTransport
{
    /// <summary>What is looked at of an answer: the names of a listing.</summary>
    private const int MostBytes = 4096;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly BlockingCollection<byte[]> _requests = new(boundedCapacity: 4);
    private readonly BlockingCollection<HostileReply> _replies = [];

    /// <summary>What no kernel would take, in words; the first one.</summary>
    public string? Complaint { get; private set; }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <exception cref="DeadlineException">Nobody took the request, or no answer came.</exception>
    public HostileReply Ask(byte[] request, ulong unique)
    {
        Tell(request);
        while (_replies.TryTake(out HostileReply? reply, s_patience))
        {
            if (reply.Unique == unique)
            {
                return reply;
            }
            Complaint ??= $"an answer to {reply.Unique}, which nobody waits for";
        }
        throw new DeadlineException($"not answered within {s_patience.TotalSeconds} seconds");
    }

    /// <summary>Sends what has no answer.</summary>
    /// <exception cref="DeadlineException">Nobody takes requests any more.</exception>
    public void Tell(byte[] request)
    {
        if (!_requests.TryAdd(request, s_patience))
        {
            throw new DeadlineException($"not read within {s_patience.TotalSeconds} seconds");
        }
    }

    /// <summary>Unmounts.</summary>
    public void End() => _requests.CompleteAdding();

    /// <inheritdoc/>
    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_requests.TryTake(out byte[]? request, Timeout.Infinite))
        {
            return ReadOutcome.Ended;
        }
        request.CopyTo(buffer);
        length = request.Length;
        return ReadOutcome.Request;
    }

    /// <inheritdoc/>
    public Errno Write(ReadOnlySpan<byte> message) =>
        Take(message[..Math.Min(message.Length, MostBytes)].ToArray(), message.Length);

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        long length = 0;
        var first = new List<byte>();
        foreach (IoVector piece in pieces)
        {
            length += (long)piece.Length;
            int taken = (int)Math.Min((nuint)(MostBytes - first.Count), piece.Length);
            first.AddRange(new ReadOnlySpan<byte>(piece.Base, taken));
        }
        return Take([.. first], length);
    }

    /// <inheritdoc/>
    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        result = 0;
        return Errno.NotTerminal;
    }

    /// <inheritdoc/>
    public Errno Clone(out IFuseTransport? clone)
    {
        clone = this;
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private Errno Take(byte[] start, long length)
    {
        if (!MemoryMarshal.TryRead(start, out OutHeader header) || header.Length != length)
        {
            Complaint ??= $"an answer of {length} bytes";
            return Errno.Invalid;
        }
        const ulong init = 1;
        if (header.Unique is 0 or init)
        {
            return Errno.Ok; // a notification, or the answer to INIT
        }
        if (header.Error is > 0 or <= -512 || (header.Error != 0 && length != Unsafe.SizeOf<OutHeader>()))
        {
            Complaint ??= $"error {header.Error} with {length} bytes";
        }
        _replies.Add(new HostileReply(header.Unique, -header.Error, start.AsMemory(Unsafe.SizeOf<OutHeader>())));
        return Errno.Ok;
    }
}

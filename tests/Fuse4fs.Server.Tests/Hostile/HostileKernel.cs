using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A kernel that sends whatever it is told, one request after the other, and looks at every answer as
/// fuse_dev_write does.</summary>
internal sealed unsafe class HostileKernel : IFuseTransport
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly BlockingCollection<byte[]> _requests = new(boundedCapacity: 4);
    private readonly BlockingCollection<OutHeader> _replies = [];

    /// <summary>What no kernel would take, in words; the first one.</summary>
    public string? Complaint { get; private set; }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <returns>The error, 0 for none; null when no answer came in time.</returns>
    public int? Ask(byte[] request, ulong unique)
    {
        _requests.Add(request);
        while (_replies.TryTake(out OutHeader reply, s_patience))
        {
            if (reply.Unique == unique)
            {
                return -reply.Error;
            }
            Complaint ??= $"an answer to {reply.Unique}, which nobody waits for";
        }
        return null;
    }

    /// <summary>Sends what has no answer.</summary>
    public void Tell(byte[] request) => _requests.Add(request);

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
    public Errno Write(ReadOnlySpan<byte> message) => Take(message, message.Length);

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        long length = 0;
        foreach (IoVector piece in pieces)
        {
            length += (long)piece.Length;
        }
        return Take(new ReadOnlySpan<byte>(pieces[0].Base, (int)pieces[0].Length), length);
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

    private Errno Take(ReadOnlySpan<byte> start, long length)
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
        _replies.Add(header);
        return Errno.Ok;
    }
}

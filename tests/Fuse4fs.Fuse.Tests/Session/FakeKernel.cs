using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Tests.Session;

/// <summary>The kernel's end of the seam: hands out queued requests, checks every reply as fuse_dev_write does, and
/// counts them. Clones share the queue.</summary>
internal sealed unsafe class FakeKernel : IFuseTransport
{
    private readonly Connection _connection;

    public FakeKernel() : this(new Connection())
    {
    }

    private FakeKernel(Connection connection) => _connection = connection;

    /// <summary>Answers by request.</summary>
    public ConcurrentDictionary<ulong, ConcurrentQueue<byte[]>> Replies => _connection.Replies;

    /// <summary>Messages no kernel would take, in words.</summary>
    public ConcurrentQueue<string> Refused => _connection.Refused;

    public ConcurrentQueue<byte[]> Notifications => _connection.Notifications;

    public int Clones => _connection.Clones;

    /// <summary>The next vectored write fails with this, once.</summary>
    public Errno FailNextVectors { get => _connection.FailNextVectors; set => _connection.FailNextVectors = value; }

    public void Enqueue(byte[] request) => _connection.Requests.Add(request);

    /// <summary>Ends the connection after what is queued.</summary>
    public void End() => _connection.Requests.CompleteAdding();

    /// <summary>For a test that fails before it has ended the connection: else its session waits for ever.</summary>
    public IDisposable EndAtDispose() => _connection;

    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_connection.Requests.TryTake(out byte[]? request, Timeout.Infinite))
        {
            return ReadOutcome.Ended;
        }
        request.CopyTo(buffer);
        length = request.Length;
        return ReadOutcome.Request;
    }

    public Errno Write(ReadOnlySpan<byte> message) => Take(message.ToArray());

    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        if (FailNextVectors != Errno.Ok)
        {
            Errno error = FailNextVectors;
            FailNextVectors = Errno.Ok;
            return error;
        }
        var message = new List<byte>();
        foreach (IoVector piece in pieces)
        {
            message.AddRange(new ReadOnlySpan<byte>(piece.Base, (int)piece.Length));
        }
        return Take([.. message]);
    }

    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        result = 0;
        return Errno.NotTerminal;
    }

    public Errno Clone(out IFuseTransport? clone)
    {
        Interlocked.Increment(ref _connection.Clones);
        clone = new FakeKernel(_connection);
        return Errno.Ok;
    }

    public void Dispose()
    {
    }

    /// <summary>A well-formed request.</summary>
    public static byte[] Request(Opcode opcode, ulong unique, ulong nodeId, params ReadOnlySpan<byte> body)
    {
        byte[] request = new byte[Unsafe.SizeOf<InHeader>() + body.Length];
        var header = new InHeader
        {
            Length = (uint)request.Length,
            Opcode = opcode,
            Unique = unique,
            NodeId = nodeId,
        };
        MemoryMarshal.Write(request, in header);
        body.CopyTo(request.AsSpan(Unsafe.SizeOf<InHeader>()));
        return request;
    }

    public static byte[] Init(InitFlags offered, uint minor = Capabilities.NewestMinor, uint major = 7)
    {
        var init = new InitIn
        {
            Major = major,
            Minor = minor,
            MaxReadAhead = 1 << 17,
            Flags = (uint)(offered | InitFlags.InitExtended),
            Flags2 = (uint)((ulong)offered >> 32),
        };
        return Request(Opcode.Init, 1, 0, Bytes(in init));
    }

    public static byte[] Bytes<T>(in T value) where T : unmanaged
        => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    private Errno Take(byte[] message)
    {
        if (!MemoryMarshal.TryRead(message, out OutHeader header) || header.Length != message.Length)
        {
            Refused.Enqueue($"length {message.Length}");
            return Errno.Invalid;
        }
        if (header.Unique == 0)
        {
            _connection.Notifications.Enqueue(message);
            return Errno.Ok;
        }
        if (header.Error is > 0 or <= -512 || (header.Error != 0 && message.Length != Unsafe.SizeOf<OutHeader>()))
        {
            Refused.Enqueue($"error {header.Error} with {message.Length} bytes");
            return Errno.Invalid;
        }
        // In one step: whoever counts the replies must find each of them complete.
        Replies.AddOrUpdate(
            header.Unique,
            static (_, first) => new ConcurrentQueue<byte[]>([first]),
            static (_, all, next) =>
            {
                all.Enqueue(next);
                return all;
            },
            message);
        return Errno.Ok;
    }

    private sealed class Connection : IDisposable
    {
        public int Clones;

        public BlockingCollection<byte[]> Requests { get; } = new(new ConcurrentQueue<byte[]>());

        public ConcurrentDictionary<ulong, ConcurrentQueue<byte[]>> Replies { get; } = new();

        public ConcurrentQueue<string> Refused { get; } = new();

        public ConcurrentQueue<byte[]> Notifications { get; } = new();

        public Errno FailNextVectors { get; set; }

        public void Dispose() => Requests.CompleteAdding();
    }
}

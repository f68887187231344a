using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>A kernel that sends what a test puts into its queue, and says of itself what the test wants: for what the twin
/// cannot be, such as a revision nobody knows.</summary>
internal sealed unsafe class QueueKernel : IFuseTransport
{
    private const uint SupportRequest = 0x8010E563;
    private const uint StripeRequest = 0x4010E567;
    private const uint BlockSizeRequest = 0x4008E566;
    private const uint BackingRequest = 0x4010E501;
    private const uint ProtectRequest = 0x4004E564;

    private readonly Shared _shared;

    public QueueKernel() : this(new Shared())
    {
    }

    private QueueKernel(Shared shared) => _shared = shared;

    /// <summary>What STRIPE_CONFIG without members says: v8 does not know it.</summary>
    public Errno StripeAnswer { get => _shared.StripeAnswer; set => _shared.StripeAnswer = value; }

    public Errno BlockSizeAnswer { get => _shared.BlockSizeAnswer; set => _shared.BlockSizeAnswer = value; }

    public ulong Support { get => _shared.Support; set => _shared.Support = value; }

    public int ProtectedThreads => _shared.Protected.Count;

    public ConcurrentDictionary<ulong, ConcurrentQueue<byte[]>> Replies => _shared.Replies;

    public ConcurrentQueue<byte[]> Notifications => _shared.Notifications;

    /// <summary>What a notification is answered with.</summary>
    public Func<byte[], Errno> OnNotification { get => _shared.OnNotification; set => _shared.OnNotification = value; }

    public void Enqueue(Opcode opcode, ulong unique, ulong nodeId, params ReadOnlySpan<byte> body)
        => _shared.Requests.Add(Request(opcode, unique, nodeId, body));

    public void Enqueue<T>(Opcode opcode, ulong unique, ulong nodeId, in T body) where T : unmanaged
        => Enqueue(opcode, unique, nodeId, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in body)));

    /// <summary>INIT of a kernel with block mappings, then its CONFIG.</summary>
    public void EnqueueStart(IomapConfigItems items = IomapConfigItems.All, uint minor = 99)
    {
        const InitFlags offered = InitFlags.InitExtended | InitFlags.Iomap | InitFlags.MaxPages | InitFlags.DontMask
            | InitFlags.PosixAcl | InitFlags.WriteBackCache;
        Enqueue(Opcode.Init, 2, 0, new InitIn
        {
            Major = 7,
            Minor = minor,
            MaxReadAhead = 1 << 17,
            Flags = unchecked((uint)offered),
            Flags2 = (uint)((ulong)offered >> 32),
        });
        Enqueue(Opcode.IomapConfig, 4, 0, new IomapConfigIn
        {
            Known = items,
            MaxBytes = long.MaxValue,
            CacheMaxBytes = 1 << 18,
        });
    }

    public void End() => _shared.Requests.CompleteAdding();

    /// <summary>The error of the only reply to a request.</summary>
    public Errno ErrorOf(ulong unique)
    {
        byte[] reply = Replies[unique].Single();
        return (Errno)(-MemoryMarshal.Read<OutHeader>(reply).Error);
    }

    public T BodyOf<T>(ulong unique) where T : unmanaged
        => MemoryMarshal.Read<T>(Replies[unique].Single().AsSpan(Unsafe.SizeOf<OutHeader>()));

    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_shared.Requests.TryTake(out byte[]? request, Timeout.Infinite))
        {
            return ReadOutcome.Ended;
        }
        request.CopyTo(buffer);
        length = request.Length;
        return ReadOutcome.Request;
    }

    public Errno Write(ReadOnlySpan<byte> message)
    {
        OutHeader header = MemoryMarshal.Read<OutHeader>(message);
        if (header.Length != message.Length)
        {
            return Errno.Invalid;
        }
        if (header.Unique == 0)
        {
            byte[] notification = message.ToArray();
            _shared.Notifications.Enqueue(notification);
            return OnNotification(notification);
        }
        Replies.GetOrAdd(header.Unique, static _ => new ConcurrentQueue<byte[]>()).Enqueue(message.ToArray());
        return Errno.Ok;
    }

    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        var message = new List<byte>();
        foreach (IoVector piece in pieces)
        {
            message.AddRange(new ReadOnlySpan<byte>(piece.Base, (int)piece.Length));
        }
        return Write(message.ToArray());
    }

    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        result = 0;
        switch (request)
        {
            case SupportRequest:
                MemoryMarshal.Write(argument, new IomapSupport { Flags = Support });
                return Errno.Ok;
            case StripeRequest:
                return StripeAnswer;
            case BlockSizeRequest:
                return BlockSizeAnswer;
            case BackingRequest:
                result = 1;
                return Errno.Ok;
            case ProtectRequest:
                _shared.Protected.TryAdd(Environment.CurrentManagedThreadId, true);
                return Errno.Ok;
            default:
                return Errno.NotTerminal;
        }
    }

    public Errno Clone(out IFuseTransport? clone)
    {
        clone = new QueueKernel(_shared);
        return Errno.Ok;
    }

    public void Dispose()
    {
    }

    public static byte[] Request(Opcode opcode, ulong unique, ulong nodeId, params ReadOnlySpan<byte> body)
    {
        byte[] request = new byte[Unsafe.SizeOf<InHeader>() + body.Length];
        MemoryMarshal.Write(request, new InHeader
        {
            Length = (uint)request.Length,
            Opcode = opcode,
            Unique = unique,
            NodeId = nodeId,
        });
        body.CopyTo(request.AsSpan(Unsafe.SizeOf<InHeader>()));
        return request;
    }

    private sealed class Shared
    {
        public BlockingCollection<byte[]> Requests { get; } = new(new ConcurrentQueue<byte[]>());

        public ConcurrentDictionary<ulong, ConcurrentQueue<byte[]>> Replies { get; } = new();

        public ConcurrentQueue<byte[]> Notifications { get; } = new();

        public ConcurrentDictionary<int, bool> Protected { get; } = new();

        public Func<byte[], Errno> OnNotification { get; set; } = static _ => Errno.Ok;

        public Errno StripeAnswer { get; set; } = Errno.NotTerminal;

        public Errno BlockSizeAnswer { get; set; } = Errno.NoEntry;

        public ulong Support { get; set; } = IomapSupport.FileIo;
    }
}

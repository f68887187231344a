using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Uring;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>One connection to the kernel from INIT to the end: start it, wait for its end, dispose of it.</summary>
/// <remarks>The end comes from outside: the file system is unmounted, or the connection aborted.</remarks>
public sealed class FuseSession : IDisposable
{
    private readonly IFuseTransport _transport;
    private readonly IRequestHandler _handler;
    private readonly SessionOptions _options;
    private readonly OperationCounters _initCounters = new();
    private WorkerPool? _pool;
    private RingPool? _rings;
    private Capabilities? _capabilities;
    private readonly IomapNegotiation? _iomap;
    private readonly Lock _endGate = new();
    private bool _disconnected;

    /// <param name="transport">Connected to a mount, or about to be. The session owns it.</param>
    /// <param name="handler">The file system.</param>
    /// <param name="options">How to work.</param>
    public FuseSession(IFuseTransport transport, IRequestHandler handler, SessionOptions options)
    {
        _transport = transport;
        _handler = handler;
        _options = options;
        Notifier = new FuseNotifier(transport);
        _iomap = options.Iomap is { } iomap ? new IomapNegotiation(transport, iomap, options.Log) : null;
    }

    /// <summary>Sends notifications.</summary>
    public FuseNotifier Notifier { get; }

    /// <summary>What was agreed on.</summary>
    /// <exception cref="InvalidOperationException">Before <see cref="Start"/> has returned.</exception>
    public Capabilities Capabilities
        => _capabilities ?? throw new InvalidOperationException("the session has not started");

    /// <summary>Why <see cref="Capabilities.Iomap"/> is null although a handler for it was given; null: it is not, or
    /// there was none. After <see cref="Start"/>.</summary>
    public string? IomapRefusal => _iomap?.Refusal;

    /// <summary>Answers INIT, which the kernel sends as soon as it mounts, and CONFIG where block mappings are used; sets
    /// the workers to work.</summary>
    /// <exception cref="FuseException">The connection ended first, the kernel is too old, or the block-mapping side of
    /// the file system refused.</exception>
    public void Start()
    {
        _capabilities = Negotiate();
        FuseLog.Connected(_options.Log, _capabilities);
        IomapDispatcher? iomap = StartIomap(_capabilities);
        bool isOverRings = _capabilities.Has(InitFlags.OverIoUring);
        _handler.Connected(
            _capabilities, Notifier, _options.MaxWorkers + (isOverRings ? RingPool.Workers(_options) : 0));
        var dispatcher = new RequestDispatcher(_handler, _options.Log, iomap);
        _pool = new WorkerPool(_transport, _capabilities, dispatcher, _options, iomap);
        _pool.Start();
        if (isOverRings)
        {
            _rings = new RingPool((FuseDevice)_transport, _capabilities, dispatcher, _options.MaxWorkers, _options);
            _rings.Start();
        }
    }

    /// <summary>To be called by a handler that is about to wait, for the disk say: another worker may have to take up what
    /// comes meanwhile. Any thread may call it; it does not block.</summary>
    public void CallForHelp() => _pool?.CallForHelp();

    /// <summary>Waits for the end of the connection; then every request that came has been handled.</summary>
    public void WaitForEnd() => _ = WaitForEnd(Timeout.InfiniteTimeSpan);

    /// <summary>Waits for the end of the connection, for a limited time.</summary>
    /// <returns>False when it has not ended by then.</returns>
    public bool WaitForEnd(TimeSpan limit)
    {
        if (_pool is null)
        {
            return true;
        }
        if (!_pool.WaitForEnd(limit) || _rings?.WaitForEnd(limit) == false)
        {
            return false;
        }
        lock (_endGate)
        {
            if (!_disconnected)
            {
                _disconnected = true;
                _handler.Disconnected();
            }
        }
        return true;
    }

    /// <summary>Requests so far, by kind; see <see cref="OperationTable.NameOf(int)"/>.</summary>
    public OperationCount[] Counts()
    {
        var sums = new OperationCount[OperationTable.Slots];
        _initCounters.AddTo(sums);
        _pool?.AddCounts(sums);
        _rings?.AddCounts(sums);
        return sums;
    }

    /// <summary>Waits for the end, then closes all.</summary>
    public void Dispose()
    {
        WaitForEnd();
        _rings?.Dispose();
        _pool?.Dispose();
        _transport.Dispose();
    }

    private Capabilities Negotiate()
    {
        using var request = new RequestBuffer(_options.Capabilities.MaxWriteBytes);
        while (true)
        {
            switch (_transport.Read(request.Bytes, out int length))
            {
                case ReadOutcome.Ended:
                    throw new FuseException(Errno.NotConnected, "the mount ended before it was ready");
                case ReadOutcome.Failed:
                    throw new FuseException(Errno.InputOutput, "/dev/fuse cannot be read");
                case ReadOutcome.Retry:
                    continue;
            }
            long start = Stopwatch.GetTimestamp();
            Capabilities? agreed = AnswerInit(request.Bytes[..length]);
            if (agreed is not null)
            {
                int slot = OperationTable.SlotOf(Opcode.Init);
                _initCounters.Begin(slot);
                _initCounters.End(slot, Stopwatch.GetTimestamp() - start, failed: false);
                return agreed;
            }
        }
    }

    /// <summary>Answers one request that came before the connection was ready.</summary>
    /// <returns>Null when it was not the INIT that settles it.</returns>
    private Capabilities? AnswerInit(ReadOnlySpan<byte> request)
    {
        if (!MemoryMarshal.TryRead(request, out InHeader header))
        {
            return null;
        }
        var body = new RequestReader(request[Unsafe.SizeOf<InHeader>()..]);
        int known = Math.Min(body.Rest.Length, Unsafe.SizeOf<InitIn>());
        if (header.Opcode != Opcode.Init || known < InitIn.ShortBytes || !body.TryTakeShort(known, out InitIn init))
        {
            _ = Reply(header.Unique, Errno.InputOutput, default(InitOut));
            return null;
        }
        if (init.Major > Capabilities.Major)
        {
            // The kernel will ask again in our version.
            _ = Reply(header.Unique, Errno.Ok, new InitOut { Major = Capabilities.Major });
            return null;
        }
        if (init.Major < Capabilities.Major || init.Minor < Capabilities.OldestMinor)
        {
            _ = Reply(header.Unique, Errno.Protocol, default(InitOut));
            throw new FuseException(
                Errno.Protocol,
                $"the kernel speaks FUSE {init.Major}.{init.Minor}; at least 7.31 (Linux 5.4) is needed");
        }
        Capabilities agreed = Capabilities.Negotiate(in init, Possible(_options.Capabilities, in init), out InitOut answer);
        Errno error = Reply(header.Unique, Errno.Ok, answer);
        return error == Errno.Ok
            ? agreed
            : throw new FuseException(error, $"the kernel did not accept the connection: {error}");
    }

    /// <summary>With block mappings accepted in INIT the kernel's next request is CONFIG; it holds back all others.</summary>
    private IomapDispatcher? StartIomap(Capabilities agreed)
    {
        if (_iomap is null)
        {
            return null;
        }
        if (agreed.Has(InitFlags.Iomap))
        {
            agreed.Iomap = Configure(_iomap);
        }
        if (agreed.Iomap is not { } connection)
        {
            FuseLog.NoIomap(_options.Log, _iomap.Refusal ?? "");
            return null;
        }
        FuseLog.IomapInForce(_options.Log, connection);
        return new IomapDispatcher(_options.Iomap!, connection, _options.Log);
    }

    private IomapConnection? Configure(IomapNegotiation negotiation)
    {
        using var request = new RequestBuffer(_options.Capabilities.MaxWriteBytes);
        while (true)
        {
            switch (_transport.Read(request.Bytes, out int length))
            {
                case ReadOutcome.Ended:
                    throw new FuseException(Errno.NotConnected, "the mount ended before it was ready");
                case ReadOutcome.Failed:
                    throw new FuseException(Errno.InputOutput, "/dev/fuse cannot be read");
                case ReadOutcome.Retry:
                    continue;
            }
            ReadOnlySpan<byte> message = request.Bytes[..length];
            if (!MemoryMarshal.TryRead(message, out InHeader header) || header.Opcode == Opcode.Interrupt)
            {
                continue;
            }
            if (header.Opcode != Opcode.IomapConfig)
            {
                _ = Reply(header.Unique, Errno.InputOutput, default(InitOut));
                continue;
            }
            return AnswerConfig(negotiation, header.Unique, message[Unsafe.SizeOf<InHeader>()..]);
        }
    }

    private IomapConnection? AnswerConfig(IomapNegotiation negotiation, ulong unique, ReadOnlySpan<byte> body)
    {
        Errno error;
        IomapConfigOut answer = default;
        IomapConnection? connection = null;
        Exception? cause = null;
        try
        {
            error = negotiation.Configure(body, Notifier, out answer, out connection);
        }
        catch (Exception exception)
        {
            FuseLog.ConfigureFailed(_options.Log, exception);
            cause = exception;
            error = Errno.InputOutput;
        }
        Errno sent = Reply(unique, error, answer);
        if (error is Errno.Ok or Errno.NotImplemented && sent == Errno.Ok)
        {
            return connection;
        }
        throw new FuseException(
            error == Errno.Ok ? sent : error, cause?.Message ?? negotiation.Refusal ?? $"IOMAP_CONFIG failed: {sent}");
    }

    /// <summary>Block mappings are added where the kernel has them. Once it is told that we use io_uring it waits for
    /// that: so first see whether we can.</summary>
    private CapabilityRequest Possible(CapabilityRequest wanted, in InitIn kernel)
    {
        if (_iomap?.Accepts(in kernel) == true)
        {
            return wanted with { Flags = wanted.Flags | InitFlags.Iomap };
        }
        if (!wanted.Flags.HasFlag(InitFlags.OverIoUring))
        {
            return wanted;
        }
        Errno error = _transport is FuseDevice ? RingPool.Probe() : Errno.NotSupported;
        if (error == Errno.Ok)
        {
            return wanted;
        }
        FuseLog.NoRings(_options.Log, error);
        return wanted with { Flags = wanted.Flags & ~InitFlags.OverIoUring };
    }

    private unsafe Errno Reply<T>(ulong unique, Errno error, T body) where T : unmanaged
    {
        int bodyBytes = error == Errno.Ok ? sizeof(T) : 0;
        Span<byte> message = stackalloc byte[ReplyBuffer.HeaderBytes + sizeof(T)];
        var header = new OutHeader
        {
            Length = (uint)(ReplyBuffer.HeaderBytes + bodyBytes),
            Error = -(int)error,
            Unique = unique,
        };
        MemoryMarshal.Write(message, in header);
        MemoryMarshal.Write(message[ReplyBuffer.HeaderBytes..], in body);
        return _transport.Write(message[..(ReplyBuffer.HeaderBytes + bodyBytes)]);
    }
}

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
    private WorkerPool? _pool;
    private RingPool? _rings;
    private RequestDispatcher? _dispatcher;
    private readonly OperationCounters _heldCounters = new();
    private readonly Lock _heldGate = new();

    /// <summary>Worker index of who serves held requests, behind those of all others.</summary>
    private int _heldWorker;
    private Capabilities? _capabilities;
    private readonly Handshake _handshake;
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
        _handshake = new Handshake(transport, Notifier, options);
    }

    /// <summary>Sends notifications.</summary>
    public FuseNotifier Notifier { get; }

    /// <summary>What was agreed on.</summary>
    /// <exception cref="InvalidOperationException">Before <see cref="Start"/> has returned.</exception>
    public Capabilities Capabilities
        => _capabilities ?? throw new InvalidOperationException("the session has not started");

    /// <summary>Why <see cref="Capabilities.Iomap"/> is null although a handler for it was given; null: it is not, or
    /// there was none. After <see cref="Start"/>.</summary>
    public string? IomapRefusal => _handshake.IomapRefusal;

    /// <summary>Answers INIT, which the kernel sends as soon as it mounts, and CONFIG where block mappings are used; sets
    /// the workers to work.</summary>
    /// <exception cref="FuseException">The connection ended first, the kernel is too old, or the block-mapping side of
    /// the file system refused.</exception>
    public void Start()
    {
        ShakeHands();
        _capabilities = _handshake.Agreed!;
        bool isOverRings = _capabilities.Has(InitFlags.OverIoUring);
        _heldWorker = _options.MaxWorkersWith(_capabilities) + (isOverRings ? RingPool.Workers(_options) : 0);
        _handler.Connected(_capabilities, Notifier, _heldWorker + 1);
        var dispatcher = new RequestDispatcher(_handler, _options.Log, _handshake.Iomap);
        _dispatcher = dispatcher;
        _pool = new WorkerPool(_transport, _capabilities, dispatcher, _options, _handshake.Iomap);
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

    /// <summary>Handles requests that were held, in their order, and answers them. Any thread may call it; it returns when
    /// that is done. To be called before the session is disposed of.</summary>
    public void Serve(IReadOnlyList<HeldRequest> requests)
    {
        if (requests.Count == 0)
        {
            return;
        }
        lock (_heldGate)
        {
            // In one piece, as rings need it.
            using var reply = new ReplyBuffer(WorkerPool.ReplyBytesFor(Capabilities), maxPieces: 0);
            foreach (HeldRequest held in requests)
            {
                _dispatcher!.Dispatch(held.Message, reply, held.Transport, _heldWorker, _heldCounters, wasHeld: true);
            }
        }
    }

    /// <summary>After <see cref="Start"/>: everything that this session will ever open is open when it returns, with
    /// <see cref="SessionOptions.ClonesAhead"/>.</summary>
    public void Settle()
    {
        if (_capabilities?.Iomap is not null && _transport is FuseDevice device)
        {
            device.SettleRings();
        }
        _rings?.WaitUntilOpen();
    }

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
        _handshake.Counters.AddTo(sums);
        _heldCounters.AddTo(sums);
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

    private void ShakeHands()
    {
        using var request = new RequestBuffer(_options.Capabilities.MaxWriteBytes);
        while (!_handshake.IsDone)
        {
            switch (_transport.Read(request.Bytes, out int length))
            {
                case ReadOutcome.Ended:
                    throw new FuseException(Errno.NotConnected, "the mount ended before it was ready");
                case ReadOutcome.Failed:
                    throw new FuseException(Errno.InputOutput, "/dev/fuse cannot be read");
                case ReadOutcome.Request:
                    _handshake.Take(request.Bytes[..length]);
                    break;
            }
        }
    }
}

using Fuse4fs.Fuse;
using Fuse4fs.KernelTwin.Transport;
using Serilog;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>The protocol without threads: the twin's scheduler calls it whenever a request waits, so that the same seed
/// gives the same messages.</summary>
/// <param name="handler">The file system. Must not wait for another request.</param>
/// <param name="options">Of the session.</param>
/// <param name="ended">Called when the twin lets go of the server.</param>
public sealed class PumpedServer(IRequestHandler handler, SessionOptions options, Action? ended = null) : ITwinServer
{
    private const int Worker = 0;

    private readonly byte[] _request = new byte[options.Capabilities.MaxWriteBytes + 8192];
    private readonly OperationCounters _counters = new();
    private TwinTransport _transport = null!;
    private ReplyBuffer? _reply;
    private Handshake _handshake = null!;
    private FuseNotifier _notifier = null!;
    private RequestDispatcher? _dispatcher;

    /// <summary>Why block mappings are not in force.</summary>
    public string? IomapRefusal => _handshake.IomapRefusal;

    /// <inheritdoc/>
    public bool IsPumped => true;

    /// <inheritdoc/>
    public void Start(IFuseDevice device)
    {
        _transport = new TwinTransport(device);
        _notifier = new FuseNotifier(_transport);
        _handshake = new Handshake(_transport, _notifier, options);
    }

    /// <inheritdoc/>
    public void PumpOne()
    {
        if (_transport.Read(_request, out int length) != ReadOutcome.Request)
        {
            return;
        }
        ReadOnlySpan<byte> message = _request.AsSpan(0, length);
        if (_dispatcher is not null)
        {
            _dispatcher.Dispatch(message, _reply!, _transport, Worker, _counters);
            return;
        }
        try
        {
            _handshake.Take(message);
        }
        catch (FuseException refused)
        {
            options.Log.Information("the session did not start: {Reason}", refused.Message);
            return;
        }
        if (_handshake.IsDone)
        {
            _reply = new ReplyBuffer(WorkerPool.ReplyBytesFor(_handshake.Agreed!));
            handler.Connected(_handshake.Agreed!, _notifier, maxWorkers: 1);
            _dispatcher = new RequestDispatcher(handler, options.Log, _handshake.Iomap);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_dispatcher is not null)
        {
            handler.Disconnected();
        }
        _reply?.Dispose();
        _transport.Dispose();
        ended?.Invoke();
    }
}

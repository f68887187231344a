using Fuse4fs.Fuse;
using Fuse4fs.KernelTwin.Transport;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>A whole session, workers and all, on the twin. The device needs SYNC_INIT before it is attached.</summary>
/// <param name="handler">The file system.</param>
/// <param name="options">Of the session.</param>
/// <param name="ended">Called when the connection has ended and every worker has left.</param>
public sealed class ThreadedServer(IRequestHandler handler, SessionOptions options, Action? ended = null) : ITwinServer
{
    private FuseSession? _session;
    private Thread? _starter;
    private Exception? _failure;

    /// <summary>The session.</summary>
    public FuseSession Session => _session!;

    /// <summary>What <see cref="FuseSession.Start"/> threw.</summary>
    public Exception? Failure => _failure;

    /// <inheritdoc/>
    public bool IsPumped => false;

    /// <inheritdoc/>
    public void PumpOne() => throw new NotSupportedException("it has threads of its own");

    /// <inheritdoc/>
    public void Start(IFuseDevice device)
    {
        _session = new FuseSession(new TwinTransport(device), handler, options);
        _starter = new Thread(Run) { IsBackground = true, Name = "session-start" };
        _starter.Start();
    }

    /// <summary>Waits until the session has started, or failed to.</summary>
    public void WaitForStart() => _starter!.Join();

    /// <inheritdoc/>
    public void Dispose()
    {
        _starter?.Join();
        _session?.Dispose();
        ended?.Invoke();
    }

    private void Run()
    {
        try
        {
            _session!.Start();
        }
        catch (FuseException failure)
        {
            _failure = failure;
        }
    }
}

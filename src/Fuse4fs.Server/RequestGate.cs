namespace Fuse4fs.Server;

/// <summary>Counts the requests being handled, so that the volume is closed only when none is inside, even when the
/// connection is given up while it still lives.</summary>
internal sealed class RequestGate
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private int _inside;
    private volatile bool _isClosed;

    /// <summary>From the end on every request is refused.</summary>
    public bool IsClosed => _isClosed;

    public void Enter() => Interlocked.Increment(ref _inside);

    public void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>Refuses further requests and waits for those inside.</summary>
    public void Close()
    {
        _isClosed = true;
        SpinWait.SpinUntil(() => Volatile.Read(ref _inside) == 0, Patience);
    }
}

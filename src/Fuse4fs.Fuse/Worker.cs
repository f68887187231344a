namespace Fuse4fs.Fuse;

/// <summary>One thread with its own way to the kernel and its own buffers: read, handle, reply, repeat. Nothing is
/// handed over to another thread.</summary>
internal sealed class Worker : IDisposable
{
    /// <summary>So that requests that come in groups do not have workers parked and fetched for each.</summary>
    private const int TurnsBeforeParking = 32;

    private readonly WorkerPool _pool;
    private readonly IFuseTransport _transport;
    private readonly bool _ownsTransport;
    private readonly SemaphoreSlim _parking = new(0);
    private readonly Thread _thread;
    private readonly RequestWait _wait;
    private long _turn;
    private int _surplusTurns;

    public Worker(WorkerPool pool, int index, IFuseTransport transport, bool ownsTransport, LookingPlace looking)
    {
        _pool = pool;
        Index = index;
        _transport = transport;
        _ownsTransport = ownsTransport;
        _wait = new RequestWait(transport, looking);
        _thread = new Thread(Run) { IsBackground = true, Name = $"fuse-{index}" };
    }

    public int Index { get; }

    public OperationCounters Counters { get; } = new();

    /// <summary>Grows by one when a request is taken up and by one when it is done: odd while at work.</summary>
    public long Turn => Volatile.Read(ref _turn);

    public void Start() => _thread.Start();

    public void Join() => _thread.Join();

    /// <summary>Lets a parked worker go on.</summary>
    public void Unpark() => _parking.Release();

    public void Dispose()
    {
        if (_ownsTransport)
        {
            _transport.Dispose();
        }
        _parking.Dispose();
    }

    /// <summary>Told after a request that there are more workers than needed.</summary>
    /// <returns>True when that has been so for a while: then it parks.</returns>
    public bool IsSurplusAgain()
    {
        if (++_surplusTurns < TurnsBeforeParking)
        {
            return false;
        }
        _surplusTurns = 0;
        return true;
    }

    private void Run()
    {
        try
        {
            using var request = new RequestBuffer(_pool.Capabilities.MaxWriteBytes);
            using var reply = new ReplyBuffer(_pool.ReplyBytes);
            while (Serve(request, reply) && _pool.MayGoOn(this))
            {
            }
        }
        finally
        {
            _pool.Left();
        }
    }

    /// <summary>One turn.</summary>
    /// <returns>False at the end of the connection.</returns>
    private bool Serve(RequestBuffer request, ReplyBuffer reply)
    {
        switch (_wait.Next(request.Bytes, out int length))
        {
            case ReadOutcome.Ended:
                return false;
            case ReadOutcome.Failed:
                _pool.ReadFailed(this);
                return false;
            case ReadOutcome.Retry or ReadOutcome.Nothing:
                return true;
        }
        Volatile.Write(ref _turn, _turn + 1);
        _pool.Busy();
        _pool.Dispatcher.Dispatch(request.Bytes[..length], reply, _transport, Index, Counters);
        _pool.Idle();
        Volatile.Write(ref _turn, _turn + 1);
        return true;
    }

    /// <summary>Waits until the pool has use for this worker again, or ends.</summary>
    public void Park() => _parking.Wait();
}

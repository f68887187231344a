using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse;

/// <summary>The workers of a session: a fixed number, and extra ones while all are held up by long requests.</summary>
/// <remarks>When the last free worker takes a request, the supervisor thread looks for a while: if none of them has
/// moved on, it adds one. While requests are short it sleeps. An extra worker parks when it is not needed; its
/// descriptor stays open, because deferred replies to what it read still go out there.</remarks>
internal sealed class WorkerPool : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(50);

    private readonly IFuseTransport _first;
    private readonly ILogger _log;
    private readonly int _baseWorkers;
    private readonly SemaphoreSlim _alarm = new(0);
    private readonly Thread _supervisor;
    private readonly Lock _gate = new();
    private readonly Worker?[] _workers;
    private readonly Stack<Worker> _parked = new();
    private readonly ManualResetEventSlim _ended = new();
    private int _created;
    private int _active;
    private int _busy;
    private int _alarmed;
    private volatile bool _ending;

    public WorkerPool(
        IFuseTransport first, Capabilities capabilities, RequestDispatcher dispatcher, SessionOptions options)
    {
        _first = first;
        _log = options.Log;
        _baseWorkers = options.BaseWorkers;
        _workers = new Worker?[options.MaxWorkers];
        Capabilities = capabilities;
        Dispatcher = dispatcher;
        _supervisor = new Thread(Supervise) { IsBackground = true, Name = "fuse-supervisor" };
    }

    public Capabilities Capabilities { get; }

    public RequestDispatcher Dispatcher { get; }

    /// <summary>Largest reply: data, or a list of xattrs, and a structure before it.</summary>
    public int ReplyBytes => ReplyBytesFor(Capabilities);

    /// <summary>See <see cref="ReplyBytes"/>.</summary>
    public static int ReplyBytesFor(Capabilities capabilities) => Math.Max(capabilities.MaxWriteBytes, 1 << 16) + 4096;

    public void Start()
    {
        lock (_gate)
        {
            for (int i = 0; i < _baseWorkers; i++)
            {
                Add();
            }
        }
        if (_workers.Length > _baseWorkers)
        {
            _supervisor.Start();
        }
    }

    /// <summary>Waits until the connection has ended and every worker has left.</summary>
    public bool WaitForEnd(TimeSpan limit) => _ended.Wait(limit);

    /// <summary>Adds up the counts of all workers.</summary>
    public void AddCounts(Span<OperationCount> sums)
    {
        lock (_gate)
        {
            foreach (Worker? worker in _workers)
            {
                worker?.Counters.AddTo(sums);
            }
        }
    }

    public void Busy()
    {
        if (Interlocked.Increment(ref _busy) >= Volatile.Read(ref _active)
            && Volatile.Read(ref _alarmed) == 0 && Interlocked.Exchange(ref _alarmed, 1) == 0)
        {
            _alarm.Release();
        }
    }

    public void Idle() => Interlocked.Decrement(ref _busy);

    /// <summary>Asked by a worker between two requests: an extra one that is not needed waits here.</summary>
    /// <returns>False when the session has ended.</returns>
    public bool MayGoOn(Worker worker)
    {
        if (worker.Index < _baseWorkers || Volatile.Read(ref _busy) >= _baseWorkers)
        {
            return !_ending;
        }
        lock (_gate)
        {
            if (_ending)
            {
                return false;
            }
            _active--;
            _parked.Push(worker);
        }
        worker.Park();
        return !_ending;
    }

    public void ReadFailed(Worker worker) => FuseLog.ReadFailed(_log, worker.Index);

    /// <summary>A worker leaves: the connection is at its end, and so will be the others' reads.</summary>
    public void Left()
    {
        lock (_gate)
        {
            _ending = true;
            _active--;
            while (_parked.TryPop(out Worker? worker))
            {
                _active++;
                worker.Unpark();
            }
            if (_active == 0)
            {
                _alarm.Release();
                _ended.Set();
            }
        }
    }

    public void Dispose()
    {
        foreach (Worker? worker in _workers)
        {
            worker?.Join();
            worker?.Dispose();
        }
        if (_supervisor.IsAlive)
        {
            _supervisor.Join();
        }
        _alarm.Dispose();
        _ended.Dispose();
    }

    private void Supervise()
    {
        long[] turns = new long[_workers.Length];
        while (!_ending)
        {
            // A worker that saw the old value raised no alarm: look once more before sleeping.
            Interlocked.Exchange(ref _alarmed, 0);
            if (!AllBusy(turns))
            {
                _alarm.Wait();
            }
            while (!_ending && AllBusy(turns))
            {
                Thread.Sleep(_patience);
                if (NoneMoved(turns))
                {
                    AddExtra();
                }
            }
        }
    }

    private bool AllBusy(long[] turns)
    {
        lock (_gate)
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                turns[i] = _workers[i]?.Turn ?? 0;
            }
            return Volatile.Read(ref _busy) >= _active;
        }
    }

    private bool NoneMoved(long[] turns)
    {
        lock (_gate)
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                if ((_workers[i]?.Turn ?? 0) != turns[i])
                {
                    return false;
                }
            }
            return Volatile.Read(ref _busy) >= _active;
        }
    }

    private void AddExtra()
    {
        lock (_gate)
        {
            if (_ending)
            {
                return;
            }
            if (_parked.TryPop(out Worker? parked))
            {
                _active++;
                parked.Unpark();
            }
            else if (_created < _workers.Length)
            {
                FuseLog.ExtraWorker(_log, _created);
                Add();
            }
        }
    }

    private void Add()
    {
        Errno error = _first.Clone(out IFuseTransport? own);
        if (error != Errno.Ok)
        {
            FuseLog.NoClone(_log, error);
        }
        var worker = new Worker(this, _created, own ?? _first, ownsTransport: own is not null);
        _workers[_created++] = worker;
        _active++;
        worker.Start();
    }
}

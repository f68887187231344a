using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse;

/// <summary>The workers of a session: a fixed number, and extra ones while all are held up by long requests.</summary>
/// <remarks>
/// <para>Two workers wait for requests, or more while more come at once; the others are parked. If all waited, the kernel
/// would wake them in turn, each on a CPU that has to be woken for it. When the last that waits takes a request, it
/// fetches one from the park.</para>
/// <para>When none is left there, the supervisor thread looks for a while: if no worker has moved on, it adds one. While
/// requests are short it sleeps. A parked worker's descriptor stays open, because deferred replies to what it read
/// still go out there.</para>
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    /// <summary>One takes the next request, the other is there when it does.</summary>
    private const int SpareWorkers = 2;

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
    private readonly LookingPlace _looking = new();
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
        int busy = Interlocked.Increment(ref _busy);
        int active = Volatile.Read(ref _active);
        if (busy < active || TryUnpark(active))
        {
            return;
        }
        if (Volatile.Read(ref _alarmed) == 0 && Interlocked.Exchange(ref _alarmed, 1) == 0)
        {
            _alarm.Release();
        }
    }

    public void Idle() => Interlocked.Decrement(ref _busy);

    /// <summary>Asked by a worker between two requests: one that is not needed waits here.</summary>
    /// <returns>False when the session has ended.</returns>
    public bool MayGoOn(Worker worker)
    {
        if (!IsSurplus() || !worker.IsSurplusAgain())
        {
            return !_ending;
        }
        lock (_gate)
        {
            if (_ending || !IsSurplus())
            {
                return !_ending;
            }
            _parked.Push(worker);
            // After this a worker that takes a request sees one less; what those did before is seen here.
            if (Interlocked.Decrement(ref _active) <= Volatile.Read(ref _busy))
            {
                TryUnparkOne();
            }
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
            while (TryUnparkOne())
            {
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

    /// <summary>Whether fewer workers would do: more than the fixed number are for the time only when all those are held
    /// up.</summary>
    private bool IsSurplus()
    {
        int active = Volatile.Read(ref _active);
        int busy = Volatile.Read(ref _busy);
        return active > _baseWorkers ? busy < _baseWorkers : active - busy > SpareWorkers;
    }

    /// <summary>Has somebody wait for the next request, up to the fixed number of workers.</summary>
    private bool TryUnpark(int active)
    {
        if (active >= _baseWorkers)
        {
            return false;
        }
        lock (_gate)
        {
            return _active < _baseWorkers && TryUnparkOne();
        }
    }

    private bool TryUnparkOne()
    {
        bool isThere = _parked.TryPop(out Worker? parked);
        if (isThere)
        {
            _active++;
            parked!.Unpark();
        }
        return isThere;
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
            if (!TryUnparkOne() && _created < _workers.Length)
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
        var worker = new Worker(this, _created, own ?? _first, ownsTransport: own is not null, _looking);
        _workers[_created++] = worker;
        _active++;
        worker.Start();
    }
}

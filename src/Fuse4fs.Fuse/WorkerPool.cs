using System.Diagnostics;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse;

/// <summary>The workers of a session: a fixed number, and extra ones while all are held up by long requests.</summary>
/// <remarks>
/// <para>No more of them wait for requests at once than there is work for; the others are parked. The kernel gives
/// requests to waiting threads in turn, so with two of them a single program would be served by both in turn, each time
/// by the one whose CPU has forgotten everything. One worker that serves on finds what it has just used, and
/// takes up several FORGETs at once.</para>
/// <para>The supervisor, awake while there are requests, takes a look every few milliseconds: one more may wait when
/// those at work have hardly a pause, one less when they have many. When nobody waits and nobody moves on, a parked
/// one helps out, after a while a new one. Whoever is about to wait for the disk calls for help himself.</para>
/// <para>Descriptors of parked workers stay open, because deferred replies to what they read still go out there.</para>
/// </remarks>
internal sealed class WorkerPool : IDisposable
{
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(4);

    /// <summary>How long nobody may move on before an extra worker is made.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);

    private readonly IFuseTransport _first;
    private readonly ILogger _log;
    private readonly int _baseWorkers;
    private readonly SemaphoreSlim _alarm = new(0);
    private readonly Thread _supervisor;
    private readonly Lock _gate = new();

    /// <summary>Guarded by the gate, as what is below.</summary>
    private readonly Worker?[] _workers;
    private readonly Stack<Worker> _parked = new();
    private readonly Stack<IFuseTransport> _clones = new();
    private readonly bool _clonesAhead;
    private int _created;
    private int _alive;
    private readonly ManualResetEventSlim _ended = new();
    private readonly LookingPlace _looking = new();

    /// <summary>Workers in a read, or on their way there.</summary>
    private int _waiting;

    /// <summary>How many may be that at once: 1 to the fixed number.</summary>
    private int _mayWait = 1;
    private int _alarmed;
    private volatile bool _helpWasCalled;
    private volatile bool _ending;

    public WorkerPool(
        IFuseTransport first, Capabilities capabilities, RequestDispatcher dispatcher, SessionOptions options,
        IomapDispatcher? iomap = null)
    {
        _first = first;
        _log = options.Log;
        _baseWorkers = options.BaseWorkers;
        _workers = new Worker?[options.MaxWorkersWith(capabilities)];
        Admission = iomap is null ? null : new Admission(iomap, options.MaxWorkers);
        _clonesAhead = options.ClonesAhead;
        Capabilities = capabilities;
        Dispatcher = dispatcher;
        _supervisor = new Thread(Supervise) { IsBackground = true, Name = "fuse-supervisor" };
    }

    public Capabilities Capabilities { get; }

    public RequestDispatcher Dispatcher { get; }

    /// <summary>With block mappings: who may handle what.</summary>
    public Admission? Admission { get; }

    /// <summary>Largest reply: data, or a list of xattrs, and a structure before it.</summary>
    public int ReplyBytes => ReplyBytesFor(Capabilities);

    /// <summary>See <see cref="ReplyBytes"/>.</summary>
    public static int ReplyBytesFor(Capabilities capabilities) => Math.Max(capabilities.MaxWriteBytes, 1 << 16) + 4096;

    public void Start()
    {
        lock (_gate)
        {
            // Where they may have to free memory, none can be made when they are needed.
            int atOnce = Admission is null ? _baseWorkers : _workers.Length;
            for (int i = 0; i < atOnce; i++)
            {
                Add();
            }
            for (int i = atOnce; _clonesAhead && i < _workers.Length; i++)
            {
                if (_first.Clone(out IFuseTransport? clone) == Errno.Ok)
                {
                    _clones.Push(clone!);
                }
            }
        }
        if (_workers.Length > 1)
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

    /// <summary>Asked by a worker before it waits for a request. Where enough do, it is parked here until there is more
    /// to do.</summary>
    /// <returns>False when the session has ended.</returns>
    public bool MayWait(Worker worker)
    {
        while (!_ending)
        {
            if (Interlocked.Increment(ref _waiting) <= Volatile.Read(ref _mayWait))
            {
                return true;
            }
            if (Interlocked.Decrement(ref _waiting) > 0 && TryPark(worker))
            {
                worker.Park();
            }
        }
        return false;
    }

    /// <summary>A worker's read has ended.</summary>
    public void WaitsNoMore(bool hasRequest)
    {
        if (Interlocked.Decrement(ref _waiting) == 0 && hasRequest
            && Volatile.Read(ref _alarmed) == 0 && Interlocked.Exchange(ref _alarmed, 1) == 0)
        {
            _alarm.Release();
        }
    }

    /// <summary>Somebody is about to wait for the disk: others may have to take up what comes meanwhile.</summary>
    public void CallForHelp()
    {
        _helpWasCalled = true;
        if (Volatile.Read(ref _waiting) == 0)
        {
            TryUnpark();
        }
    }

    /// <summary>Before DESTROY every request that came before it has to be done, also those the kernel does not wait
    /// for.</summary>
    /// <remarks>One that was read and not yet admitted cannot be seen. So all is looked at until it has kept still for a
    /// while: after DESTROY nothing new comes.</remarks>
    public void WaitForOthersBeforeTheEnd(ReadOnlySpan<byte> message)
    {
        const int stillEnough = 4;
        const int oneself = 1;
        if (!MemoryMarshal.TryRead(message, out InHeader header) || header.Opcode != Opcode.Destroy)
        {
            return;
        }
        long turns = -1;
        for (int still = 0; still < stillEnough && !_ending; still++)
        {
            Thread.Sleep(1);
            long now = Look().Turns;
            if (now != turns || Admission!.Inside > oneself)
            {
                still = 0;
                turns = now;
            }
        }
    }

    public void Protected(Worker worker, Errno outcome)
    {
        if (outcome != Errno.Ok)
        {
            FuseLog.ThreadNotProtected(_log, worker.Index, outcome);
        }
    }

    public void ReadFailed(Worker worker) => FuseLog.ReadFailed(_log, worker.Index);

    /// <summary>A worker leaves: the connection is at its end, and so will be the others' reads.</summary>
    public void Left()
    {
        lock (_gate)
        {
            _ending = true;
            _alive--;
            while (_parked.TryPop(out Worker? worker))
            {
                worker.Unpark();
            }
            if (_alive == 0)
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
        while (_clones.TryPop(out IFuseTransport? clone))
        {
            clone.Dispose();
        }
        _alarm.Dispose();
        _ended.Dispose();
    }

    private bool TryPark(Worker worker)
    {
        lock (_gate)
        {
            if (_ending || Volatile.Read(ref _waiting) == 0)
            {
                return false;       // whoever waited has got a request meanwhile
            }
            _parked.Push(worker);
            return true;
        }
    }

    private bool TryUnpark()
    {
        lock (_gate)
        {
            if (!_parked.TryPop(out Worker? worker))
            {
                return false;
            }
            worker.Unpark();
            return true;
        }
    }

    private void Supervise()
    {
        while (!_ending)
        {
            // A worker that saw the old value raised no alarm: look once more before sleeping.
            Interlocked.Exchange(ref _alarmed, 0);
            if (Volatile.Read(ref _waiting) > 0)
            {
                _alarm.Wait();
            }
            Watch();
        }
    }

    /// <summary>Looks on until there are no more requests.</summary>
    private void Watch()
    {
        Activity last = Look();
        TimeSpan still = TimeSpan.Zero;
        bool isQuiet = false;
        while (!_ending && !isQuiet)
        {
            Thread.Sleep(s_lookEvery);
            Activity now = Look();
            bool hasMoved = now.Turns != last.Turns;
            bool isWaiting = Volatile.Read(ref _waiting) > 0;
            still = hasMoved || isWaiting ? TimeSpan.Zero : still + s_lookEvery;
            if (still > TimeSpan.Zero && !TryUnpark() && still >= s_patience)
            {
                AddExtra();
                still = TimeSpan.Zero;
            }
            Adapt((double)(now.BusyTicks - last.BusyTicks) / (now.At - last.At));
            isQuiet = !hasMoved && isWaiting;
            last = now;
        }
    }

    /// <summary>Lets more or fewer wait.</summary>
    /// <param name="busy">How many workers' time requests took.</param>
    private void Adapt(double busy)
    {
        const double hardlyAPause = 0.9;
        const double manyPauses = 0.6;
        int mayWait = _mayWait;
        if (_helpWasCalled)
        {
            _helpWasCalled = false;
            mayWait = _baseWorkers;
        }
        else if (busy > hardlyAPause * mayWait)
        {
            mayWait = Math.Min(mayWait + 1, _baseWorkers);
        }
        else if (busy < manyPauses * (mayWait - 1))
        {
            mayWait--;
        }
        bool isMore = mayWait > _mayWait;
        Volatile.Write(ref _mayWait, mayWait);
        if (isMore)
        {
            TryUnpark();
        }
    }

    private Activity Look()
    {
        long turns = 0;
        long busyTicks = 0;
        lock (_gate)
        {
            foreach (Worker? worker in _workers)
            {
                turns += worker?.Turn ?? 0;
                busyTicks += worker?.BusyTicks ?? 0;
            }
        }
        return new Activity(Stopwatch.GetTimestamp(), turns, busyTicks);
    }

    private void AddExtra()
    {
        lock (_gate)
        {
            if (!_ending && _created < _workers.Length)
            {
                FuseLog.ExtraWorker(_log, _created);
                Add();
            }
        }
    }

    private void Add()
    {
        Errno error = _clones.TryPop(out IFuseTransport? own) ? Errno.Ok : _first.Clone(out own);
        if (error != Errno.Ok)
        {
            FuseLog.NoClone(_log, error);
        }
        var worker = new Worker(this, _created, own ?? _first, ownsTransport: own is not null, _looking);
        _workers[_created++] = worker;
        _alive++;
        worker.Start();
    }

    /// <summary>What all workers have done up to a moment, in Stopwatch ticks.</summary>
    private readonly record struct Activity(long At, long Turns, long BusyTicks);
}

using System.Diagnostics;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Iomap;
using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>One thread with its own way to the kernel and its own buffers: read, handle, reply, repeat. Nothing is
/// handed over to another thread.</summary>
internal sealed class Worker : IDisposable
{
    private readonly WorkerPool _pool;
    private readonly IFuseTransport _transport;
    private readonly bool _ownsTransport;
    private readonly SemaphoreSlim _parking = new(0);
    private readonly CallerProximity _proximity = new();
    private readonly RequestWait _wait;
    private readonly Thread _thread;
    private long _turn;
    private long _busyTicks;

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

    /// <summary>Time spent on requests that are done, Stopwatch ticks.</summary>
    public long BusyTicks => Volatile.Read(ref _busyTicks);

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

    private void Run()
    {
        try
        {
            Protect();
            using var request = new RequestBuffer(_pool.Capabilities.MaxWriteBytes);
            using var reply = new ReplyBuffer(_pool.ReplyBytes);
            while (_pool.MayWait(this) && Serve(request, reply))
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
        ReadOutcome outcome = _wait.Next(request.Bytes, out int length);
        _pool.WaitsNoMore(hasRequest: outcome == ReadOutcome.Request);
        switch (outcome)
        {
            case ReadOutcome.Ended:
                return false;
            case ReadOutcome.Failed:
                _pool.ReadFailed(this);
                return false;
            case ReadOutcome.Retry or ReadOutcome.Nothing:
                return true;
        }
        long start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _turn, _turn + 1);
        ReadOnlySpan<byte> message = request.Bytes[..length];
        Handle(message, reply);
        if (MemoryMarshal.TryRead(message, out InHeader header))
        {
            _proximity.Answered(in header);
        }
        Volatile.Write(ref _turn, _turn + 1);
        Volatile.Write(ref _busyTicks, _busyTicks + Stopwatch.GetTimestamp() - start);
        return true;
    }

    private void Handle(ReadOnlySpan<byte> message, ReplyBuffer reply)
    {
        if (_pool.Admission is not { } admission)
        {
            _pool.Dispatcher.Dispatch(message, reply, _transport, Index, Counters);
            return;
        }
        if (!admission.Admit(message, _transport, out bool isReserved))
        {
            return;
        }
        _pool.WaitForOthersBeforeTheEnd(message);
        _pool.Dispatcher.Dispatch(message, reply, _transport, Index, Counters);
        while (admission.Done(isReserved, out Admission.Aside next))
        {
            _pool.WaitForOthersBeforeTheEnd(next.Message);
            _pool.Dispatcher.Dispatch(next.Message, reply, next.Transport, Index, Counters);
            next.Free();
        }
    }

    /// <summary>When memory is short the thread must not be drawn into writing back pages of this very mount.</summary>
    private void Protect()
    {
        if (_pool.Capabilities.Iomap is not null)
        {
            _pool.Protected(this, IomapIoctls.ProtectThread(_transport));
        }
    }

    /// <summary>Waits until the pool has use for this worker again, or ends.</summary>
    public void Park() => _parking.Wait();
}

using Fuse4fs.Linux;
using Serilog;

namespace Fuse4fs.Fuse.Uring;

/// <summary>Serves a connection over io_uring, beside the ordinary workers: FORGET, INTERRUPT and notifications still
/// go over /dev/fuse.</summary>
/// <remarks>The kernel has a queue for each possible CPU and puts a request into that of the CPU its caller runs on; it
/// starts to use them when every one has an entry.</remarks>
internal sealed class RingPool : IDisposable
{
    private readonly RingWorker[] _workers;
    private readonly ManualResetEventSlim _ended = new();
    private readonly SemaphoreSlim _opened = new(0);
    private int _running;

    /// <param name="device">The connection.</param>
    /// <param name="capabilities">With <see cref="Wire.InitFlags.OverIoUring"/>.</param>
    /// <param name="dispatcher">To the handler.</param>
    /// <param name="firstIndex">Worker indices start here.</param>
    /// <param name="options">How to work.</param>
    public RingPool(
        FuseDevice device,
        Capabilities capabilities,
        RequestDispatcher dispatcher,
        int firstIndex,
        SessionOptions options)
    {
        Descriptor = device.Descriptor;
        Dispatcher = dispatcher;
        Log = options.Log;
        PayloadBytes = WorkerPool.ReplyBytesFor(capabilities);
        int[] online = CpuList.Online();
        int[] idle = [.. CpuList.Possible().Except(online)];
        _workers = new RingWorker[Workers(options)];
        for (int i = 0; i < _workers.Length; i++)
        {
            IEnumerable<int> alsoServed = idle.Where((_, place) => place % _workers.Length == i);
            _workers[i] = new RingWorker(this, firstIndex + i, [online[i % online.Length], .. alsoServed]);
        }
    }

    public FileDescriptor Descriptor { get; }

    public RequestDispatcher Dispatcher { get; }

    public ILogger Log { get; }

    public int PayloadBytes { get; }

    /// <summary>How many worker indices it uses.</summary>
    public static int Workers(SessionOptions options)
        => CpuList.Online().Length * Math.Max(1, options.RingThreadsPerCpu);

    /// <summary>Tries what cannot be undone once INIT is answered: the kernel then waits for the rings.</summary>
    public static Errno Probe()
    {
        Errno error = IoRing.TryCreate(entries: 1, out IoRing? ring);
        ring?.Dispose();
        return error;
    }

    public void Start()
    {
        _running = _workers.Length;
        foreach (RingWorker worker in _workers)
        {
            worker.Start();
        }
    }

    /// <summary>Returns when every worker has its ring, or will never have one. To be called once.</summary>
    public void WaitUntilOpen()
    {
        foreach (RingWorker _ in _workers)
        {
            _opened.Wait();
        }
    }

    /// <summary>A worker opens nothing any more.</summary>
    public void Opened() => _opened.Release();

    public bool WaitForEnd(TimeSpan limit) => _ended.Wait(limit);

    public void AddCounts(Span<OperationCount> sums)
    {
        foreach (RingWorker worker in _workers)
        {
            worker.Counters.AddTo(sums);
        }
    }

    public void Left()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _ended.Set();
        }
    }

    public void Dispose()
    {
        foreach (RingWorker worker in _workers)
        {
            worker.Join();
            worker.Dispose();
        }
        _ended.Dispose();
        _opened.Dispose();
    }
}

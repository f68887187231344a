using System.Collections.Concurrent;
using Fuse4fs.Server.Mounting;
using Serilog;

namespace Fuse4fs.Server.Background;

/// <summary>One thread for work that takes long: freeing big files, trimming. Workers hand it over and serve on.
/// </summary>
internal sealed class BackgroundQueue : IDisposable
{
    private readonly BlockingCollection<Action<CancellationToken>> _work = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _log;
    private readonly Lazy<Thread> _thread;

    public BackgroundQueue(ILogger log)
    {
        _log = log;
        _thread = new Lazy<Thread>(Start);
    }

    /// <summary>Does something later, in order.</summary>
    /// <returns>False after the end: the caller does it himself.</returns>
    public bool TryAdd(Action<CancellationToken> work)
    {
        try
        {
            _ = _thread.Value;
            return _work.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Ends what is cancellable, does the rest of what was accepted, then returns.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _stop.Cancel();
        if (_thread.IsValueCreated)
        {
            _thread.Value.Join();
        }
        _work.Dispose();
        _stop.Dispose();
    }

    /// <summary>Many mounts never need it.</summary>
    private Thread Start()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "fuse4fs-work" };
        thread.Start();
        return thread;
    }

    private void Run()
    {
        foreach (Action<CancellationToken> work in _work.GetConsumingEnumerable())
        {
            try
            {
                work(_stop.Token);
            }
            catch (Exception failure)
            {
                // Whoever queued it answers its request; nobody else can be told.
                ServerLog.BackgroundFailed(_log, failure);
            }
        }
    }
}

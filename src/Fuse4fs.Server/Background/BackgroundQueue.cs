using System.Collections.Concurrent;
using System.Diagnostics;
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

    /// <summary>Guards the two below.</summary>
    private readonly object _turn = new();
    private bool _isPaused;
    private bool _isBusy;

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

    /// <summary>Waits for what is being done; nothing more is begun until <see cref="Resume"/>.</summary>
    /// <returns>False when it took longer than this: not paused.</returns>
    public bool Pause(TimeSpan patience)
    {
        long start = Stopwatch.GetTimestamp();
        lock (_turn)
        {
            _isPaused = true;
            while (_isBusy)
            {
                TimeSpan left = patience - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_turn, left))
                {
                    _isPaused = false;
                    Monitor.PulseAll(_turn);
                    return false;
                }
            }
            return true;
        }
    }

    /// <summary>Goes on.</summary>
    public void Resume()
    {
        lock (_turn)
        {
            _isPaused = false;
            Monitor.PulseAll(_turn);
        }
    }

    /// <summary>Ends what is cancellable, does the rest of what was accepted, then returns.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _stop.Cancel();
        Resume();
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
            Begin();
            try
            {
                work(_stop.Token);
            }
            catch (Exception failure)
            {
                // Whoever queued it answers its request; nobody else can be told.
                ServerLog.BackgroundFailed(_log, failure);
            }
            finally
            {
                Ended();
            }
        }
    }

    private void Begin()
    {
        lock (_turn)
        {
            while (_isPaused)
            {
                Monitor.Wait(_turn);
            }
            _isBusy = true;
        }
    }

    private void Ended()
    {
        lock (_turn)
        {
            _isBusy = false;
            Monitor.PulseAll(_turn);
        }
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>One thread for what must not delay a request: returning freed space, deleting big files, zeroing inode
/// tables. Freed space comes first, then urgent jobs in turn, then the others when their pause is over.</summary>
public sealed class BackgroundWork : IDisposable
{
    /// <summary>How often requests in flight are looked at again when none of them said that it ended.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);

    private readonly object _gate = new();
    private readonly Queue<IBackgroundJob> _urgent = new();
    private readonly PriorityQueue<IBackgroundJob, long> _idle = new();
    private readonly FreedSpace _freed;
    private readonly VolumeContext _context;
    private readonly Thread _thread;
    private bool _isWoken;
    private bool _isStopping;
    private bool _isUrgentRunning;
    private bool _isBusy;
    private bool _isPaused;

    /// <summary>Starts the thread.</summary>
    internal BackgroundWork(VolumeContext context, FreedSpace freed)
    {
        _context = context;
        _freed = freed;
        freed.Ready = Wake;
        freed.Epoch.Passed = Wake;
        _thread = new Thread(Run) { IsBackground = true, Name = "fuse4fs-space" };
        _thread.Start();
    }

    /// <summary>Adds a job.</summary>
    /// <param name="job">A job that throws is reported and dropped.</param>
    /// <param name="isUrgent">Before all that are not; its pauses are ignored.</param>
    public void Post(IBackgroundJob job, bool isUrgent)
    {
        lock (_gate)
        {
            Enqueue(job, isUrgent, TimeSpan.Zero);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until no urgent job is left.</summary>
    /// <returns>False when time was up first.</returns>
    public bool WaitForUrgent(TimeSpan timeout)
    {
        long start = _context.Clock.GetTimestamp();
        lock (_gate)
        {
            while (_urgent.Count > 0 || _isUrgentRunning)
            {
                TimeSpan left = timeout - _context.Clock.GetElapsedTime(start);
                if (_isStopping || left <= TimeSpan.Zero || !Monitor.Wait(_gate, left))
                {
                    return false;
                }
            }
            return true;
        }
    }

    /// <summary>Between <see cref="Pause"/> and <see cref="Resume"/>.</summary>
    public bool IsPaused
    {
        get
        {
            lock (_gate)
            {
                return _isPaused;
            }
        }
    }

    /// <summary>Nothing is done until <see cref="Resume"/>: returns when the slice under way has ended. Not on the
    /// thread itself.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            _isPaused = true;
            while (_isBusy && !_isStopping)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Goes on.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            _isPaused = false;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends the thread after the slice it is in; jobs left are dropped.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.PulseAll(_gate);
        }
        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Run()
    {
        while (TryWait(out IBackgroundJob? job, out bool isUrgent))
        {
            _freed.Drain();
            TimeSpan? pause = job is null ? null : RunGuarded(job);
            lock (_gate)
            {
                if (pause is TimeSpan some)
                {
                    Enqueue(job!, isUrgent, some);
                }
                _isBusy = false;
                _isUrgentRunning = false;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Waits for something to do.</summary>
    /// <returns>False when the thread is to end. With true and no job, freed space may be ready.</returns>
    private bool TryWait(out IBackgroundJob? job, out bool isUrgent)
    {
        lock (_gate)
        {
            while (!_isStopping)
            {
                if (_isPaused)
                {
                    Monitor.Wait(_gate);
                    continue;
                }
                isUrgent = _urgent.TryDequeue(out job);
                TimeSpan pause = TimeSpan.Zero;
                if (isUrgent || TryTakeIdle(out job, out pause))
                {
                    _isUrgentRunning = isUrgent;
                    _isBusy = true;
                    return true;
                }
                if (_isWoken)
                {
                    _isWoken = false;
                    _isBusy = true;
                    return true;
                }
                Monitor.Wait(_gate, pause);
                // Whatever ended the wait: requests in flight may have left without saying so.
                _isWoken = _isWoken || _freed.IsWaiting;
            }
            job = null;
            isUrgent = false;
            return false;
        }
    }

    /// <summary>Takes the first idle job whose pause is over, or tells how long to wait.</summary>
    private bool TryTakeIdle(out IBackgroundJob? job, out TimeSpan pause)
    {
        pause = _freed.IsWaiting ? s_patience : Timeout.InfiniteTimeSpan;
        if (!_idle.TryPeek(out job, out long due))
        {
            return false;
        }
        TimeSpan left = TimeSpan.FromTicks(due) - Now();
        if (left <= TimeSpan.Zero)
        {
            _idle.Dequeue();
            return true;
        }
        pause = _freed.IsWaiting && s_patience < left ? s_patience : left;
        job = null;
        return false;
    }

    private void Enqueue(IBackgroundJob job, bool isUrgent, TimeSpan pause)
    {
        if (isUrgent)
        {
            _urgent.Enqueue(job);
        }
        else
        {
            _idle.Enqueue(job, (Now() + pause).Ticks);
        }
    }

    private TimeSpan Now() => _context.Clock.GetElapsedTime(0);

    private TimeSpan? RunGuarded(IBackgroundJob job)
    {
        try
        {
            return job.RunSlice();
        }
        catch (Ext4CorruptException damage)
        {
            _context.Events.Damage(damage, InodeNumber.None);
        }
        catch (DeviceException failure)
        {
            _context.Events.DeviceFailed(failure);
        }
        catch (Exception foreign)
        {
            // One job is lost; the thread has others, and the volume must stay usable.
            _context.Events.Warning($"background work failed: {foreign}");
        }
        return null;
    }
}

namespace Fuse4fs.Ext4.Journaling;

/// <summary>The journal's one lock: held for loads and stores only, never across I/O.</summary>
internal sealed class JournalGate(IJournalScheduler? scheduler)
{
    private readonly object _monitor = new();

    /// <summary>Where the thread that writes home waits, so that not everybody's news wakes it. Taken inside the lock, left
    /// behind it.</summary>
    private readonly object _apart = new();

    /// <summary>Takes the lock until the scope is disposed.</summary>
    public Scope Enter()
    {
        scheduler?.Entering();
        Monitor.Enter(_monitor);
        return new Scope(_monitor);
    }

    /// <summary>Lets go of the lock until somebody changes the state, or the time is over.</summary>
    public void Wait(TimeSpan timeout)
    {
        if (scheduler is not null)
        {
            scheduler.Wait(_monitor, _monitor, isTimed: timeout != Timeout.InfiniteTimeSpan);
        }
        else if (timeout > TimeSpan.Zero || timeout == Timeout.InfiniteTimeSpan)
        {
            Monitor.Wait(_monitor, timeout);
        }
    }

    /// <summary>Lets go of the lock until somebody changes the state.</summary>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan);

    /// <summary>As <see cref="Wait(TimeSpan)"/>, until <see cref="PulseApart"/>.</summary>
    public void WaitApart(TimeSpan timeout)
    {
        if (scheduler is not null)
        {
            scheduler.Wait(_monitor, _apart, isTimed: timeout != Timeout.InfiniteTimeSpan);
        }
        else if (timeout > TimeSpan.Zero || timeout == Timeout.InfiniteTimeSpan)
        {
            lock (_apart)
            {
                // Whoever changes the state from here on finds this place taken until the wait has begun.
                Monitor.Exit(_monitor);
                Monitor.Wait(_apart, timeout);
            }
            Monitor.Enter(_monitor);
        }
    }

    /// <summary>There is something for who waits apart. The lock is held.</summary>
    public void PulseApart()
    {
        if (scheduler is not null)
        {
            scheduler.PulseAll(_apart);
            return;
        }
        lock (_apart)
        {
            Monitor.PulseAll(_apart);
        }
    }

    /// <summary>The state changed: everybody looks again, but for who waits apart.</summary>
    public void PulseAll()
    {
        if (scheduler is not null)
        {
            scheduler.PulseAll(_monitor);
        }
        else
        {
            Monitor.PulseAll(_monitor);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public readonly ref struct Scope(object monitor)
    {
        public void Dispose() => Monitor.Exit(monitor);
    }
}

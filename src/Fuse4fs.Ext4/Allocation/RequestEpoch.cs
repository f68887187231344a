namespace Fuse4fs.Ext4.Allocation;

/// <summary>Knows when every request that was being answered at some moment has ended. A request may still read blocks
/// through a map it looked up before they were freed, so freed blocks wait for this as well as for their
/// commit.</summary>
/// <remarks>Each worker registers a slot once and enters and leaves it around each request: two stores, no
/// lock.</remarks>
public sealed class RequestEpoch
{
    private readonly Lock _gate = new();
    private Slot[] _slots = [];
    private long _current = 1;
    private long _awaited;

    /// <summary>Raised by the last request of an awaited epoch when it leaves; must not block.</summary>
    public Action? Passed { get; set; }

    /// <summary>Makes a worker known.</summary>
    public Slot Register()
    {
        var slot = new Slot(this);
        lock (_gate)
        {
            _slots = [.. _slots, slot];
        }
        return slot;
    }

    /// <summary>Forgets a worker that has ended.</summary>
    public void Unregister(Slot slot)
    {
        lock (_gate)
        {
            _slots = Array.FindAll(_slots, other => other != slot);
        }
    }

    /// <summary>Starts a grace period.</summary>
    /// <returns>A mark for <see cref="HasPassed"/>; greater than those before.</returns>
    public long Mark()
    {
        long mark = Interlocked.Increment(ref _current);
        Volatile.Write(ref _awaited, mark);
        return mark;
    }

    /// <summary>True when every request that had entered before the mark was made has left.</summary>
    public bool HasPassed(long mark)
    {
        Interlocked.MemoryBarrier();
        foreach (Slot slot in Volatile.Read(ref _slots))
        {
            long entered = slot.Entered;
            if (entered != 0 && entered < mark)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>One worker's place. Used by that worker alone.</summary>
    public sealed class Slot
    {
        private readonly RequestEpoch _epoch;
        private long _entered;

        internal Slot(RequestEpoch epoch) => _epoch = epoch;

        internal long Entered => Volatile.Read(ref _entered);

        /// <summary>A request begins: what it looks up from here on stays valid until <see cref="Leave"/>.</summary>
        public void Enter()
        {
            // A full fence: the store must be visible before anything is looked up. A mark made in between only makes
            // this request look older than it is.
            Interlocked.Exchange(ref _entered, Volatile.Read(ref _epoch._current));
        }

        /// <summary>The request has been answered.</summary>
        public void Leave()
        {
            long entered = _entered;
            Interlocked.Exchange(ref _entered, 0);
            if (entered < Volatile.Read(ref _epoch._awaited))
            {
                _epoch.Passed?.Invoke();
            }
        }
    }
}

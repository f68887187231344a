namespace Fuse4fs.Ext4.Inodes;

/// <summary>A reader/writer lock of one word: taking it free of contention is one interlocked operation, nothing is
/// allocated, waiting sleeps. Not recursive: a thread that holds it in any mode must not take it again.</summary>
/// <remarks>Readers that come while somebody waits go behind him, so that writers are not starved.</remarks>
public sealed class InodeLock
{
    private const int Exclusively = 1 << 30;
    private const int SomebodyWaits = 1 << 29;
    private const int Readers = SomebodyWaits - 1;
    private const int SpinsBeforeSleep = 20;

    /// <summary>Number of readers, or <see cref="Exclusively"/>, and <see cref="SomebodyWaits"/>.</summary>
    private int _state;

    /// <summary>How often it was held exclusively: as long as this stays the same, so does what the lock guards. To be
    /// read while holding it.</summary>
    internal uint ExclusiveHolds { get; private set; }

    /// <summary>For readers of what the lock guards. Dispose exactly once.</summary>
    public SharedScope Shared()
    {
        int seen = Volatile.Read(ref _state);
        if (seen >= SomebodyWaits || Interlocked.CompareExchange(ref _state, seen + 1, seen) != seen)
        {
            Wait(isExclusive: false);
        }
        return new SharedScope(this);
    }

    /// <summary>For whoever changes what the lock guards. Dispose exactly once.</summary>
    public ExclusiveScope Exclusive()
    {
        if (Interlocked.CompareExchange(ref _state, Exclusively, 0) != 0)
        {
            Wait(isExclusive: true);
        }
        ExclusiveHolds = unchecked(ExclusiveHolds + 1);
        return new ExclusiveScope(this);
    }

    /// <summary>Takes it exclusively only if that needs no waiting.</summary>
    public bool TryExclusive(out ExclusiveScope scope)
    {
        bool isTaken = Interlocked.CompareExchange(ref _state, Exclusively, 0) == 0;
        if (isTaken)
        {
            ExclusiveHolds = unchecked(ExclusiveHolds + 1);
        }
        scope = isTaken ? new ExclusiveScope(this) : default;
        return isTaken;
    }

    /// <summary>True while anybody holds it exclusively; for assertions.</summary>
    public bool IsHeldExclusively => (Volatile.Read(ref _state) & Exclusively) != 0;

    private void LeaveShared()
    {
        int now = Interlocked.Decrement(ref _state);
        if (now == SomebodyWaits)
        {
            Wake();
        }
    }

    /// <summary>Gives an exclusive hold back, for whoever keeps several and no scope of each.</summary>
    internal void LeaveExclusive()
    {
        int before = Interlocked.And(ref _state, ~Exclusively);
        if ((before & SomebodyWaits) != 0)
        {
            Wake();
        }
    }

    private void Wake()
    {
        lock (this)
        {
            Interlocked.And(ref _state, ~SomebodyWaits);
            Monitor.PulseAll(this);
        }
    }

    private void Wait(bool isExclusive)
    {
        var spinner = default(SpinWait);
        for (int i = 0; i < SpinsBeforeSleep; i++)
        {
            if (TryEnter(isExclusive, respectWaiters: true))
            {
                return;
            }
            spinner.SpinOnce(sleep1Threshold: -1);
        }
        lock (this)
        {
            // Whoever sets the mark does so inside this lock and sleeps before it is left: Wake cannot slip between.
            while (!TryEnter(isExclusive, respectWaiters: false))
            {
                int seen = Volatile.Read(ref _state);
                bool isFree = isExclusive ? (seen & (Exclusively | Readers)) == 0 : (seen & Exclusively) == 0;
                if (!isFree && Interlocked.CompareExchange(ref _state, seen | SomebodyWaits, seen) == seen)
                {
                    Monitor.Wait(this);
                }
            }
        }
    }

    private bool TryEnter(bool isExclusive, bool respectWaiters)
    {
        int seen = Volatile.Read(ref _state);
        int marks = respectWaiters ? seen & SomebodyWaits : 0;
        if (isExclusive)
        {
            return (seen & (Exclusively | Readers)) == 0
                && Interlocked.CompareExchange(ref _state, seen | Exclusively, seen) == seen;
        }
        return (seen & Exclusively) == 0 && marks == 0
            && Interlocked.CompareExchange(ref _state, seen + 1, seen) == seen;
    }

    /// <summary>A shared hold.</summary>
    public readonly ref struct SharedScope
    {
        private readonly InodeLock _owner;

        internal SharedScope(InodeLock owner) => _owner = owner;

        /// <summary>Gives it back.</summary>
        public void Dispose() => _owner?.LeaveShared();
    }

    /// <summary>An exclusive hold.</summary>
    public readonly ref struct ExclusiveScope
    {
        private readonly InodeLock _owner;

        internal ExclusiveScope(InodeLock owner) => _owner = owner;

        /// <summary>Gives it back.</summary>
        public void Dispose() => _owner?.LeaveExclusive();
    }
}

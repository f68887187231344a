using Fuse4fs.Ext4.Journaling;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Runs threads one at a time and decides at every step of the journal who goes on, so that a run is
/// determined by its decisions and all runs within a bound can be tried.</summary>
/// <remarks>A step is taking the journal's gate, waiting, or a device operation. Going on with another thread although
/// the present one could go on is a preemption; their number is what bounds the runs. A timed wait ends by itself only
/// when nobody else can go on: time passes when nothing else happens.</remarks>
internal sealed class DeterministicScheduler : IJournalScheduler
{
    /// <summary>Seconds after which something would have had to happen.</summary>
    private const int MostTime = 1000;

    private readonly object _baton = new();
    private readonly List<Strand> _strands = [];
    private readonly IReadOnlyList<int> _decisions;
    private readonly Random? _random;
    private readonly int _maximumPreemptions;
    private Strand? _current;
    private int _preemptions;
    private int _timePassed;
    private Exception? _failure;

    /// <summary>A run that follows decisions and then goes on without preemption.</summary>
    public DeterministicScheduler(IReadOnlyList<int> decisions, int maximumPreemptions)
    {
        _decisions = decisions;
        _maximumPreemptions = maximumPreemptions;
    }

    /// <summary>A run with random decisions.</summary>
    public DeterministicScheduler(int seed)
    {
        _decisions = [];
        _random = new Random(seed);
        _maximumPreemptions = int.MaxValue;
    }

    [ThreadStatic]
    private static Strand? s_mine;

    private enum Condition
    {
        Ready,
        WaitsForPulse,
        WaitsWithTime,
        WaitsForEnd,
        Ended,
    }

    /// <summary>What time it is: it passes when a timed wait ends.</summary>
    public ManualClock Clock { get; } = new();

    /// <summary>How many threads could go on at each decision, and which was taken.</summary>
    public List<(int Choices, int Taken)> Trace { get; } = [];

    /// <summary>Runs the bodies, and whatever threads they start, to their end.</summary>
    /// <exception cref="InvalidOperationException">All wait for each other.</exception>
    public void Run(params Action[] bodies)
    {
        for (int i = 0; i < bodies.Length; i++)
        {
            Start($"body {i}", bodies[i]);
        }
        lock (_baton)
        {
            SwitchAway();
            while (_failure is null && _strands.Exists(strand => strand.Condition != Condition.Ended))
            {
                Monitor.Wait(_baton);
            }
        }
        if (_failure is not null)
        {
            throw new InvalidOperationException(_failure.Message, _failure);
        }
    }

    /// <inheritdoc/>
    public void Start(string name, Action body)
    {
        var strand = new Strand(name);
        strand.Thread = new Thread(() => Live(strand, body)) { IsBackground = true, Name = name };
        lock (_baton)
        {
            _strands.Add(strand);
        }
        strand.Thread.Start();
    }

    /// <inheritdoc/>
    public void Join(string name)
    {
        lock (_baton)
        {
            Strand awaited = _strands.Find(strand => strand.Name == name)!;
            if (awaited.Condition != Condition.Ended)
            {
                s_mine!.Awaited = awaited;
                s_mine.Condition = Condition.WaitsForEnd;
                SwitchAway();
                WaitForBaton();
            }
        }
    }

    /// <inheritdoc/>
    public void Entering() => Step();

    /// <summary>A point where another thread may go on.</summary>
    public void Step()
    {
        if (s_mine is null)
        {
            return;     // set-up and checks happen outside the run
        }
        lock (_baton)
        {
            SwitchAway();
            WaitForBaton();
        }
    }

    /// <inheritdoc/>
    public void Wait(object gate, object place, bool isTimed)
    {
        Monitor.Exit(gate);
        lock (_baton)
        {
            s_mine!.Place = place;
            s_mine.Condition = isTimed ? Condition.WaitsWithTime : Condition.WaitsForPulse;
            SwitchAway();
            WaitForBaton();
        }
        Monitor.Enter(gate);
    }

    /// <inheritdoc/>
    public void PulseAll(object place)
    {
        lock (_baton)
        {
            foreach (Strand strand in _strands)
            {
                if (strand.Place == place
                    && strand.Condition is (Condition.WaitsForPulse or Condition.WaitsWithTime))
                {
                    strand.Condition = Condition.Ready;
                }
            }
        }
    }

    private void Live(Strand strand, Action body)
    {
        s_mine = strand;
        lock (_baton)
        {
            WaitForBaton();
        }
        try
        {
            body();
        }
        catch (Exception failure)
        {
            _failure ??= failure;
        }
        lock (_baton)
        {
            strand.Condition = Condition.Ended;
            foreach (Strand other in _strands.Where(other => other.Awaited == strand))
            {
                other.Awaited = null;
                other.Condition = Condition.Ready;
            }
            SwitchAway();
            Monitor.PulseAll(_baton);
        }
    }

    /// <summary>Under the baton's lock: names who goes on.</summary>
    private void SwitchAway()
    {
        List<Strand> ready = [.. _strands.Where(strand => strand.Condition == Condition.Ready)];
        if (ready.Count == 0)
        {
            ready = [.. _strands.Where(strand => strand.Condition == Condition.WaitsWithTime)];
            ready.ForEach(static strand => strand.Condition = Condition.Ready);
            Clock.Advance(TimeSpan.FromSeconds(1));
            if (++_timePassed > MostTime)
            {
                _failure ??= new InvalidOperationException("nobody gets anywhere: " + Describe());
                ready.Clear();
            }
        }
        if (ready.Count == 0)
        {
            if (_strands.Exists(strand => strand.Condition != Condition.Ended))
            {
                _failure ??= new InvalidOperationException("all wait for each other: " + Describe());
            }
            _current = null;
            Monitor.PulseAll(_baton);
            return;
        }
        // The present thread comes first: taking another although it is ready is a preemption.
        bool canStay = _current is not null && ready.Remove(_current);
        if (canStay)
        {
            ready.Insert(0, _current!);
        }
        int choices = canStay && _preemptions >= _maximumPreemptions ? 1 : ready.Count;
        int taken = Decide(choices);
        Trace.Add((choices, taken));
        _preemptions += canStay && taken > 0 ? 1 : 0;
        _current = ready[taken];
        Monitor.PulseAll(_baton);
    }

    private int Decide(int choices)
    {
        if (_random is not null)
        {
            return _random.Next(3) == 0 ? _random.Next(choices) : 0;
        }
        return Trace.Count < _decisions.Count ? Math.Min(_decisions[Trace.Count], choices - 1) : 0;
    }

    private void WaitForBaton()
    {
        // After a deadlock nobody is named any more: the run is over, and this background thread stays here.
        while (_current != s_mine)
        {
            Monitor.Wait(_baton);
        }
    }

    private string Describe() => string.Join(", ", _strands.Select(strand => $"{strand.Name} {strand.Condition}"));

    private sealed class Strand(string name)
    {
        public string Name { get; } = name;

        public Thread? Thread { get; set; }

        public Condition Condition { get; set; } = Condition.Ready;

        /// <summary>Where it waits, or waited last.</summary>
        public object? Place { get; set; }

        public Strand? Awaited { get; set; }
    }
}

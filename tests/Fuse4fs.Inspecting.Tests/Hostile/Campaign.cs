using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Testing.Fuzzing;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Many mutants on several threads, watched for hangs.</summary>
internal sealed class Campaign(
    IReadOnlyList<SeedImage> seeds, int first, int count, MutationChain? only, TimeSpan deadline)
{
    private const int MostFailures = 200;
    private const int MostMutations = 12;

    /// <summary>The foreign exception that was thrown last on this thread, caught by somebody or not.</summary>
    [ThreadStatic]
    private static string? t_foreign;

    /// <summary>The same on a thread of a volume that is written to; whose it was is not known when several run.</summary>
    private static string? s_foreign;

    [ThreadStatic]
    private static bool t_isWorker;

    private readonly CoverageFeedback? _coverage = CoverageFeedback.TryCreate(typeof(Ext4.Volume).Assembly);
    private readonly Corpus _corpus = new();
    private readonly Queue<MutationChain> _earlier = new();
    private readonly ConcurrentDictionary<string, int> _kinds = new();
    private readonly ConcurrentDictionary<Corruption, int> _damage = new();
    private int _next;
    private int _opened;

    /// <summary>One line per mutant that failed.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>What was done.</summary>
    public string Summary =>
        $"{Math.Min(_next, count)} mutants of {seeds.Count} seeds from number {first} on, {_opened} opened; "
        + $"{_damage.Count} of {Enum.GetValues<Corruption>().Length} kinds of damage met, never: "
        + string.Join(' ', Enum.GetValues<Corruption>().Except(_damage.Keys))
        + (_coverage is null ? "" : $"; {_coverage.BlocksSeen} of {_coverage.Blocks} blocks of code entered, "
            + $"{_corpus.Count} mutants did something new");

    /// <summary>Runs all mutants, or ends early after a hang or too many failures.</summary>
    public void Run(int threads)
    {
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            RunWorkers(threads);
            _coverage?.Report();
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }
    }

    /// <summary>Damage is a documented exception, found where it is decoded. Arithmetic that overflowed and indexes out
    /// of range are caught as damage too, as a last resort, and are findings here.</summary>
    private void Note(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        if (thrown.Exception is Ext4CorruptException damage)
        {
            _damage.AddOrUpdate(damage.Kind, 1, (_, seen) => seen + 1);
        }
        else if (thrown.Exception is not (DeviceException or VolumeRefusedException or InspectionException
            or MutantFailedException or NotSupportedException))
        {
            string what = $"{thrown.Exception.GetType().Name}: {thrown.Exception.Message}\n{Environment.StackTrace}";
            if (t_isWorker)
            {
                t_foreign = what;
            }
            else if (Thread.CurrentThread.Name?.StartsWith("fuse4fs", StringComparison.Ordinal) == true)
            {
                Volatile.Write(ref s_foreign, what);
            }
        }
    }

    private void RunWorkers(int threads)
    {
        if (_coverage is not null && only is null)
        {
            foreach (MutationChain chain in _corpus.Earlier())
            {
                _earlier.Enqueue(chain);
            }
        }
        // The counters are shared by all threads, so only one of them can tell what a mutant did.
        var workers = new Worker[_coverage is null ? threads : 1];
        for (int i = 0; i < workers.Length; i++)
        {
            workers[i] = new Worker(this);
        }
        while (Array.Exists(workers, worker => worker.IsRunning))
        {
            Thread.Sleep(100);
            foreach (Worker worker in workers)
            {
                if (worker.IsOverdue(deadline))
                {
                    Failures.Enqueue($"{worker.Current}: still under way after {deadline}");
                    return;
                }
            }
        }
    }

    /// <summary>The next mutant: a seed with one mutation, or, where coverage guides, mostly one more mutation upon a
    /// mutant that did something new.</summary>
    private bool TryTake(out MutationChain? chain)
    {
        if (_earlier.TryDequeue(out chain))
        {
            return true;
        }
        int index = Interlocked.Increment(ref _next) - 1;
        int number = first + index;
        chain = new MutationChain(number % seeds.Count, [number]);
        if (_corpus.Count > 0 && index % 4 != 0)
        {
            chain = _corpus.Pick(new Random(number)).And(number, MostMutations);
        }
        if (only is not null)
        {
            chain = only;
        }
        return index < count && Failures.Count < MostFailures;
    }

    private void RunOne(MutationChain chain, byte[] image, int deviceBytes)
    {
        bool isKnown = _next == 0;
        _coverage?.Reset();
        if (MutantRun.Run(image, deviceBytes, new Random(chain.Numbers[^1])))
        {
            Interlocked.Increment(ref _opened);
        }
        if (_coverage is not null && _coverage.TakeNews())
        {
            Remember(chain, isKnown);
        }
        if ((t_foreign ?? Interlocked.Exchange(ref s_foreign, null)) is string foreign)
        {
            throw new MutantFailedException($"caught as damage: {foreign}");
        }
    }

    private void Remember(MutationChain chain, bool isKnown)
    {
        if (isKnown)
        {
            _corpus.AddKnown(chain);
        }
        else
        {
            _corpus.Add(chain);
        }
    }

    /// <summary>Reports each kind of failure a few times only.</summary>
    private void Fail(string mutant, MutantFailedException failure)
    {
        string place = failure.InnerException?.StackTrace?.Split('\n')[0].Trim() ?? failure.Message;
        if (_kinds.AddOrUpdate(place, 1, (_, seen) => seen + 1) <= 3)
        {
            string? trace = failure.InnerException?.StackTrace ?? failure.StackTrace;
            Failures.Enqueue($"{mutant}: {failure.Message}\n    {trace}");
        }
    }

    /// <summary>A thread with its own copy of every seed.</summary>
    private sealed class Worker
    {
        private readonly Campaign _campaign;
        private readonly Mutator[] _mutators;
        private readonly byte[][] _images;
        private readonly Thread _thread;
        private long _started;

        public Worker(Campaign campaign)
        {
            _campaign = campaign;
            _images = [.. campaign.Seeds.Select(seed => (byte[])seed.Bytes.Clone())];
            _mutators = [.. campaign.Seeds.Select((seed, i) => new Mutator(seed, _images[i]))];
            _thread = new Thread(Work) { IsBackground = true };
            _thread.Start();
        }

        public string Current { get; private set; } = "";

        public bool IsRunning => _thread.IsAlive;

        public bool IsOverdue(TimeSpan deadline)
        {
            long started = Volatile.Read(ref _started);
            return started != 0 && Stopwatch.GetElapsedTime(started) > deadline;
        }

        private void Work()
        {
            t_isWorker = true;
            using var trace = new FuzzTrace($"worker-{Environment.CurrentManagedThreadId}");
            while (_campaign.TryTake(out MutationChain? chain))
            {
                Current = $"{_campaign.Seeds[chain!.Seed].Name}, FUSE4FS_FUZZ_CHAIN={chain}";
                trace.Set(Current);
                Volatile.Write(ref _started, Stopwatch.GetTimestamp());
                Mutator mutator = _mutators[chain.Seed];
                foreach (int number in chain.Numbers)
                {
                    mutator.Apply(number);
                }
                t_foreign = null;
                try
                {
                    _campaign.RunOne(chain, _images[chain.Seed], mutator.DeviceBytes);
                }
                catch (MutantFailedException failure)
                {
                    _campaign.Fail(Current, failure);
                }
                mutator.Undo();
                Volatile.Write(ref _started, 0);
            }
        }
    }

    private IReadOnlyList<SeedImage> Seeds => seeds;
}

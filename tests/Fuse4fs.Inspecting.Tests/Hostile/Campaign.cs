using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>Many mutants on several threads, watched for hangs.</summary>
internal sealed class Campaign(IReadOnlyList<SeedImage> seeds, int first, int count, TimeSpan deadline)
{
    private const int MostFailures = 200;

    /// <summary>The foreign exception that was thrown last on this thread, caught by somebody or not.</summary>
    [ThreadStatic]
    private static string? t_foreign;

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
        + string.Join(' ', Enum.GetValues<Corruption>().Except(_damage.Keys));

    /// <summary>Runs all mutants, or ends early after a hang or too many failures.</summary>
    public void Run(int threads)
    {
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            RunWorkers(threads);
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
            t_foreign = $"{thrown.Exception.GetType().Name}: {thrown.Exception.Message}\n{Environment.StackTrace}";
        }
    }

    private void RunWorkers(int threads)
    {
        var workers = new Worker[threads];
        for (int i = 0; i < threads; i++)
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

    private bool TryTake(out int number)
    {
        int index = Interlocked.Increment(ref _next) - 1;
        number = first + index;
        return index < count && Failures.Count < MostFailures;
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
            while (_campaign.TryTake(out int number))
            {
                int which = number % _campaign.Seeds.Count;
                Current = $"{_campaign.Seeds[which].Name}, mutant {number}";
                Volatile.Write(ref _started, Stopwatch.GetTimestamp());
                Mutator mutator = _mutators[which];
                mutator.Apply(number);
                t_foreign = null;
                try
                {
                    if (MutantRun.Run(_images[which], mutator.DeviceBytes, new Random(number)))
                    {
                        Interlocked.Increment(ref _campaign._opened);
                    }
                    if (t_foreign is string foreign)
                    {
                        throw new MutantFailedException($"caught as damage: {foreign}");
                    }
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

using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Testing;
using Xunit;

namespace Fuse4fs.Ext4.Tests.Journaling;

/// <summary>Commit, checkpoint, revoke and handle start under a scheduler that tries interleavings one by
/// one.</summary>
public sealed class InterleavingTests : IDisposable
{
    private readonly TestImage _image = new("-t ext4 -b 1024 -N 16 -J size=1", 4L << 20);
    private readonly byte[] _bytes;
    private readonly List<Ext4.Journaling.LogRun> _runs;

    public InterleavingTests()
    {
        _bytes = File.ReadAllBytes(_image.Path);
        _runs = JournalMap.RunsOf(_image.Path);
        InterleavingRun.ShortenLog(_bytes, _runs, 1024);
    }

    [Fact]
    public void Random_interleavings_keep_every_promise()
    {
        int seed = Environment.TickCount & 0xFFFFFF;
        var run = new InterleavingRun(_bytes, _runs);
        for (int i = 0; i < 250 * TestScale.Factor; i++)
        {
            string? wrong = run.Execute(
                new DeterministicScheduler(seed + i), JournalFaults.None, new Random(seed + i), cuts: 12);
            Assert.True(wrong is null, $"seed {seed + i}: {wrong}");
        }
    }

    [Fact]
    public void All_interleavings_with_one_preemption_keep_every_promise()
    {
        var run = new InterleavingRun(_bytes, _runs);
        int runs = Explore(preemptions: 1, limit: 1500 * TestScale.Factor, decisions =>
        {
            var scheduler = new DeterministicScheduler(decisions, maximumPreemptions: 1);
            string? wrong = run.Execute(scheduler, JournalFaults.None, new Random(decisions.Count), cuts: 3);
            Assert.True(wrong is null, $"decisions {string.Join(",", decisions)}: {wrong}");
            return scheduler;
        });
        Assert.True(runs > 100);
    }

    [Theory]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeCommit))]
    [InlineData(nameof(JournalFaults.SkipFlushBeforeTail))]
    [InlineData(nameof(JournalFaults.MoveTailEarly))]
    [InlineData(nameof(JournalFaults.DropRevokes))]
    public void A_missing_step_is_noticed(string missing)
    {
        JournalFaults faults = missing switch
        {
            nameof(JournalFaults.SkipFlushBeforeCommit) => new JournalFaults { SkipFlushBeforeCommit = true },
            nameof(JournalFaults.SkipFlushBeforeTail) => new JournalFaults { SkipFlushBeforeTail = true },
            nameof(JournalFaults.MoveTailEarly) => new JournalFaults { MoveTailEarly = true },
            _ => new JournalFaults { DropRevokes = true },
        };
        var run = new InterleavingRun(_bytes, _runs);
        string? found = null;
        for (int seed = 0; seed < 400 && found is null; seed++)
        {
            found = run.Execute(new DeterministicScheduler(seed), faults, new Random(seed), cuts: 20);
        }
        Assert.NotNull(found);
    }

    /// <inheritdoc/>
    public void Dispose() => _image.Dispose();

    /// <summary>Depth first over the decisions: the last one that had another choice takes the next one.</summary>
    /// <returns>How many runs there were.</returns>
    private static int Explore(int preemptions, int limit, Func<IReadOnlyList<int>, DeterministicScheduler> execute)
    {
        _ = preemptions;
        var next = new List<int>();
        for (int runs = 1; runs <= limit; runs++)
        {
            List<(int Choices, int Taken)> trace = execute(next).Trace;
            int last = trace.FindLastIndex(static decision => decision.Taken + 1 < decision.Choices);
            if (last < 0)
            {
                return runs;
            }
            next = [.. trace.Take(last).Select(static decision => decision.Taken), trace[last].Taken + 1];
        }
        return limit;
    }
}

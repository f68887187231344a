using Fuse4fs.Fuse;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Fuzzing;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Requests no kernel would send, to the whole server on a real volume. With counters in its code (scripts/fuzz
/// --requests) those that make it do something new are mutated further.</summary>
public sealed class HostileRequestTests(ITestOutputHelper output) : IDisposable
{
    private const int DefaultRuns = 120;

    /// <summary>Bursts of a run, when nothing guides.</summary>
    private const int BurstsPerRun = 16;

    /// <summary>Of a run that was mutated again and again.</summary>
    private const int MostBursts = 40;

    private const int MostFailures = 20;

    private readonly CoverageFeedback? _coverage = CoverageFeedback.TryCreate(
        typeof(Ext4.Volume).Assembly, typeof(FuseSession).Assembly, typeof(ServedVolume).Assembly);

    private readonly Corpus _corpus = new();
    private readonly List<string> _failures = [];
    private readonly FuzzTrace _trace = new("requests");
    private int _answered;
    private int _succeeded;
    private bool _hangs;

    [Fact]
    public void A_server_survives_whatever_is_asked_and_its_image_stays_whole()
    {
        string? missing = Host.Without("mke2fs") ?? Host.Without("e2fsck") ?? Host.Without("setfattr");
        Assert.SkipUnless(missing is null, missing ?? "");
        using var directory = new TemporaryDirectory();
        TestImage[] images = [.. RequestSeed.All.Select(seed => seed.Make(directory))];
        string copy = directory.Combine("copy");
        foreach (MutationChain known in _coverage is null ? [] : _corpus.Earlier())
        {
            Try(known, images, copy, isKnown: true);
        }
        int count = FuzzSettings.Count(DefaultRuns);
        for (int i = 0; i < count && _failures.Count < MostFailures && !_hangs; i++)
        {
            Try(FuzzSettings.Only ?? Next(FuzzSettings.First + i), images, copy, isKnown: false);
        }
        Array.ForEach(images, image => image.Dispose());
        _coverage?.Report();
        output.WriteLine($"{count} mutants of {images.Length} seeds, {_answered} requests answered, {_succeeded} granted"
            + (_coverage is null ? "" : $"; {_coverage.BlocksSeen} of {_coverage.Blocks} blocks of code entered, "
                + $"{_corpus.Count} mutants did something new"));
        Assert.True(_failures.Count == 0, string.Join('\n', _failures));
    }

    /// <inheritdoc/>
    public void Dispose() => _trace.Dispose();

    /// <summary>A new chain, or one that did something new with another burst at its end.</summary>
    private MutationChain Next(int number)
    {
        var random = new Random(number);
        if (_corpus.Count == 0 || random.Next(4) == 0)
        {
            int length = _coverage is null ? BurstsPerRun : 1;
            return new MutationChain(number % RequestSeed.All.Count, [.. Enumerable.Range(0, length).Select(_ => random.Next())]);
        }
        return _corpus.Pick(random).And(random.Next(), MostBursts);
    }

    private void Try(MutationChain chain, TestImage[] images, string copy, bool isKnown)
    {
        _trace.Set($"FUSE4FS_FUZZ_CHAIN={chain}");
        File.Copy(images[chain.Seed % images.Length].Path, copy, overwrite: true);
        _coverage?.Reset();
        try
        {
            RequestRun run = RequestRun.Run(chain, copy);
            _answered += run.Answered;
            _succeeded += run.Succeeded;
        }
        catch (Exception failure)
        {
            // What hangs holds on to files and threads: nothing is worth trying behind it.
            _hangs |= failure is DeadlineException;
            _failures.Add($"FUSE4FS_FUZZ_CHAIN={chain}: {failure.Message}");
        }
        if (_coverage is not null && _coverage.TakeNews())
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
    }
}

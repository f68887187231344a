using Fuse4fs.Fuse;
using Fuse4fs.Testing;
using Fuse4fs.Testing.Fuzzing;

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>Requests no kernel would send, to the whole server on a real volume. With counters in its code (scripts/fuzz
/// --requests) those that make it do something new are mutated further.</summary>
public sealed class HostileRequestTests(ITestOutputHelper output) : IDisposable
{
    private const int DefaultRuns = 250;

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

    [Fact]
    public void A_server_survives_whatever_is_asked_and_its_image_stays_whole()
    {
        string? missing = Host.Without("mke2fs") ?? Host.Without("e2fsck") ?? Host.Without("setfattr");
        Assert.SkipUnless(missing is null, missing ?? "");
        using var directory = new TemporaryDirectory();
        using TestImage image = MakeImage(directory);
        string copy = directory.Combine("copy");
        foreach (MutationChain known in _coverage is null ? [] : _corpus.Earlier())
        {
            Try(known, image.Path, copy, isKnown: true);
        }
        int count = FuzzSettings.Count(DefaultRuns);
        for (int i = 0; i < count && _failures.Count < MostFailures; i++)
        {
            Try(FuzzSettings.Only ?? Next(FuzzSettings.First + i), image.Path, copy, isKnown: false);
        }
        output.WriteLine($"{count} mutants of {RequestRun.Kinds} seeds, {_answered} requests answered"
            + (_coverage is null ? "" : $"; {_coverage.BlocksSeen} of {_coverage.Blocks} blocks of code entered, "
                + $"{_corpus.Count} mutants did something new"));
        Assert.True(_failures.Count == 0, string.Join('\n', _failures));
    }

    /// <inheritdoc/>
    public void Dispose() => _trace.Dispose();

    private static TestImage MakeImage(TemporaryDirectory directory)
    {
        string tree = directory.CreateSubdirectory("tree");
        Tool.Shell($"cd {tree}; mkdir dir dir/c many; echo hello > a; head -c 70000 /dev/zero | tr '\\0' x > file;"
            + " truncate -s 3M sparse; echo end >> sparse; ln -s a link; ln a b; mkfifo d; setfattr -n user.a -v value a;"
            + " for i in $(seq 200); do : > many/a-rather-long-name-$i; done");
        return new TestImage("-t ext4 -b 1024 -N 512 -J size=1 -O ^resize_inode,inline_data", 6 << 20, tree);
    }

    /// <summary>A new chain, or one that did something new with another burst at its end.</summary>
    private MutationChain Next(int number)
    {
        var random = new Random(number);
        if (_corpus.Count == 0 || random.Next(4) == 0)
        {
            int length = _coverage is null ? BurstsPerRun : 1;
            return new MutationChain(number % RequestRun.Kinds, [.. Enumerable.Range(0, length).Select(_ => random.Next())]);
        }
        return _corpus.Pick(random).And(random.Next(), MostBursts);
    }

    private void Try(MutationChain chain, string image, string copy, bool isKnown)
    {
        _trace.Set($"FUSE4FS_FUZZ_CHAIN={chain}");
        File.Copy(image, copy, overwrite: true);
        _coverage?.Reset();
        try
        {
            _answered += RequestRun.Run(chain, copy);
        }
        catch (Exception failure)
        {
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

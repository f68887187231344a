namespace Fuse4fs.Testing.Fuzzing;

/// <summary>Mutants that did something new, to be mutated further; in the file FUSE4FS_FUZZ_CORPUS, where it is named, for
/// the runs that follow.</summary>
public sealed class Corpus
{
    private readonly string? _file = Environment.GetEnvironmentVariable("FUSE4FS_FUZZ_CORPUS");
    private readonly List<MutationChain> _chains = [];

    /// <summary>How many.</summary>
    public int Count => _chains.Count;

    /// <summary>Those of earlier runs: each has to be run once, to learn what is no longer new.</summary>
    public IReadOnlyList<MutationChain> Earlier() =>
        _file is not null && File.Exists(_file) ? [.. File.ReadAllLines(_file).Select(MutationChain.Parse)] : [];

    /// <summary>Any one.</summary>
    public MutationChain Pick(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return _chains[random.Next(_chains.Count)];
    }

    /// <summary>Takes one that was known before.</summary>
    public void AddKnown(MutationChain chain) => _chains.Add(chain);

    /// <summary>Takes a new one.</summary>
    public void Add(MutationChain chain)
    {
        _chains.Add(chain);
        if (_file is not null)
        {
            File.AppendAllText(_file, chain + "\n");
        }
    }
}

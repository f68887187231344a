using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>One measured step: a line of the result.</summary>
/// <param name="Name">Name in options and results.</param>
/// <param name="Title">What it does, for the table.</param>
/// <param name="Figure">How the result is expressed.</param>
/// <param name="Run">The load.</param>
internal sealed record Phase(string Name, string Title, Figure Figure, Func<Workplace, LoadResult> Run)
{
    /// <summary>Caches are dropped before: the machine's, not the server's: it has not met these files.</summary>
    public bool IsCold { get; init; }

    /// <summary>The load runs once before the clock, so that the kernel's caches hold all it needs.</summary>
    public bool IsRepeated { get; init; }

    /// <summary>Reads back what it wrote: nothing for a server without storage.</summary>
    public bool NeedsStorage { get; init; }

    /// <summary>What must exist before, not measured.</summary>
    public Action<Workplace>? Prepare { get; init; }
}

using Fuse4fs.Bench.Scenarios;
using Fuse4fs.Bench.Systems;

namespace Fuse4fs.Bench;

/// <summary>What to measure, as asked on the command line.</summary>
internal sealed record BenchOptions
{
    /// <summary>Systems in the order of the first round.</summary>
    public required IReadOnlyList<IBenchSystem> Systems { get; init; }

    /// <summary>Names of phases; empty for all.</summary>
    public required IReadOnlySet<string> Steps { get; init; }

    /// <summary>At least 1.</summary>
    public required int Rounds { get; init; }

    /// <summary>How much of everything.</summary>
    public required Sizes Sizes { get; init; }

    /// <summary>Images, mount points and compiled programs.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>read_ahead_kb given to every mount; null leaves what the mount came with.</summary>
    public int? ReadAheadKib { get; init; }

    /// <summary>max_ratio given to every mount; null leaves what the mount came with.</summary>
    public int? MaximumDirtyPercent { get; init; }

    /// <summary>True when the phase is to be measured.</summary>
    public bool IsChosen(Phase phase) => Steps.Count == 0 || Steps.Contains(phase.Name);
}

using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>What a phase works with.</summary>
/// <param name="Root">The mount point.</param>
/// <param name="Load">The load generator.</param>
/// <param name="Sizes">How much of everything.</param>
/// <param name="Inputs">A directory outside the mount with archives and repositories to unpack.</param>
/// <param name="Round">Counts from 0; seeds random offsets, so that every system meets the same ones.</param>
internal sealed record Workplace(string Root, LoadGenerator Load, Sizes Sizes, Inputs Inputs, int Round)
{
    /// <summary>A path below the mount point.</summary>
    public string At(string name) => Path.Combine(Root, name);
}

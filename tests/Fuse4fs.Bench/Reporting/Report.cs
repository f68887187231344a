using Fuse4fs.Bench.Measuring;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>All results of one run of the benchmark.</summary>
/// <param name="Environment">Machine and versions, name and value.</param>
/// <param name="Systems">Systems in the order they were asked for, with their descriptions.</param>
/// <param name="Settings">Read-ahead and dirty limits per system.</param>
/// <param name="Phases">Phases that were chosen, in order.</param>
/// <param name="Samples">Every single measurement.</param>
internal sealed record Report(
    IReadOnlyList<KeyValuePair<string, string>> Environment,
    IReadOnlyList<KeyValuePair<string, string>> Systems,
    IReadOnlyDictionary<string, BackingDeviceSettings> Settings,
    IReadOnlyList<Phase> Phases,
    IReadOnlyList<Sample> Samples)
{
    /// <summary>Summary of one phase on one system; null when it was not run.</summary>
    public Cell? CellOf(Phase phase, string system) => Cell.Of(phase, system, Samples);

    /// <summary>How fast a system is, where the other is 1: more is better whatever the unit.
    /// Null when either lacks a figure.</summary>
    public double? Speed(Phase phase, string system, string other)
    {
        Cell? mine = CellOf(phase, system);
        Cell? theirs = CellOf(phase, other);
        if (mine is null || theirs is null || mine.Rounds == 0 || theirs.Rounds == 0)
        {
            return null;
        }
        return phase.Figure == Figure.Duration ? theirs.Median / mine.Median : mine.Median / theirs.Median;
    }
}

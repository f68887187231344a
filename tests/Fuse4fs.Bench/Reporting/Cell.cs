using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>One phase on one system over all rounds.</summary>
/// <param name="Median">In the phase's unit.</param>
/// <param name="Least">Smallest value.</param>
/// <param name="Most">Largest value.</param>
/// <param name="LoadCpuSeconds">Median CPU time of the load.</param>
/// <param name="ServerCpuSeconds">Median CPU time of the server; null without one.</param>
/// <param name="ServerResidentBytes">Largest memory seen after the phase; null without a server.</param>
/// <param name="Rounds">Runs that gave a figure.</param>
/// <param name="Failure">Why there is none; null when there is.</param>
internal sealed record Cell(
    double Median,
    double Least,
    double Most,
    double LoadCpuSeconds,
    double? ServerCpuSeconds,
    long? ServerResidentBytes,
    int Rounds,
    string? Failure)
{
    /// <summary>Half the distance between the extremes, as a part of the median.</summary>
    public double Spread => Median == 0 ? 0 : (Most - Least) / 2 / Median;

    /// <summary>Sums up one phase on one system; null when it was not run.</summary>
    public static Cell? Of(Phase phase, string system, IReadOnlyList<Sample> samples)
    {
        Sample[] mine = [.. samples.Where(s => s.Phase == phase.Name && s.System == system)];
        Sample[] good = [.. mine.Where(s => s.Failure is null)];
        if (mine.Length == 0)
        {
            return null;
        }
        if (good.Length == 0)
        {
            return new Cell(0, 0, 0, 0, null, null, 0, mine[0].Failure);
        }
        double[] values = [.. good.Select(s => FigureText.Value(phase, s))];
        double[] server = [.. good.Where(s => s.ServerCpuSeconds is not null).Select(s => s.ServerCpuSeconds!.Value)];
        return new Cell(
            MedianOf(values),
            values.Min(),
            values.Max(),
            MedianOf([.. good.Select(s => s.Load.LoadCpuSeconds)]),
            server.Length == 0 ? null : MedianOf(server),
            good.Max(s => s.ServerResidentBytes),
            good.Length,
            Failure: null);
    }

    private static double MedianOf(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}

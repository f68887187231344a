using System.Globalization;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>Figures as numbers and as text.</summary>
internal static class FigureText
{
    /// <summary>A sample in its phase's unit.</summary>
    public static double Value(Phase phase, Sample sample) => phase.Figure switch
    {
        Figure.Rate => sample.Load.Operations / sample.Load.Seconds,
        Figure.Throughput => sample.Load.Bytes / sample.Load.Seconds / 1e6,
        _ => sample.Load.Seconds,
    };

    /// <summary>With its unit.</summary>
    public static string Of(Figure figure, double value) => figure switch
    {
        Figure.Rate => Number(value) + "/s",
        Figure.Throughput => Number(value) + " MB/s",
        _ => value.ToString(value < 1 ? "0.0000" : "0.00", CultureInfo.InvariantCulture) + " s",
    };

    private static string Number(double value) =>
        value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Globalization;

namespace Fuse4fs.Benchmarks.Iomap;

/// <summary>The benchmarks that are compared with C, in turn, in slices so short that some are not disturbed even on a busy
/// machine: the fastest slice of each counts.</summary>
internal static class Ratios
{
    private const int Slices = 20_000;

    public static void Print()
    {
        using var benchmarks = new IomapBenchmarks();
        benchmarks.Prepare();
        Compare("BEGIN answer", benchmarks.BeginInC, benchmarks.Begin);
        Compare("upload into a batch", benchmarks.BatchInC, benchmarks.Batch);
    }

    private static void Compare(string what, Func<long> inC, Func<long> ours)
    {
        double[] fastest = [double.MaxValue, double.MaxValue];
        for (int slice = 0; slice < Slices; slice++)
        {
            fastest[0] = Math.Min(fastest[0], Time(inC));
            fastest[1] = Math.Min(fastest[1], Time(ours));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: C {fastest[0]:F2} ns, ours {fastest[1]:F2} ns, {fastest[0] / fastest[1]:F2} of its speed"));
    }

    /// <returns>Nanoseconds for one.</returns>
    private static double Time(Func<long> slice)
    {
        long start = Stopwatch.GetTimestamp();
        long errors = slice();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return errors == 0 ? elapsed / IomapBenchmarks.Rounds : throw new InvalidOperationException($"{errors} errors");
    }
}

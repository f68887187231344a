using System.Globalization;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>What this project wants of itself in one phase, relative to another system of the same run.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="Other">The system compared with; empty for an absolute limit.</param>
/// <param name="LeastSpeed">Our speed where the other's is 1; for an absolute limit the largest value allowed.</param>
internal sealed record Target(string Phase, string Other, double LeastSpeed)
{
    private const string Ours = "ours";
    private const long MostResidentBytes = 80L << 20;

    /// <summary>Every target. "Within 15 %" is a speed of 1 / 1.15; "at most 2.5 times the time" is 1 / 2.5.</summary>
    public static Target[] All =>
    [
        new("stat-warm", "kernel", 1 / 1.15),
        new("open-warm", "kernel", 1 / 1.15),
        new("fetch-warm", "kernel", 1 / 1.15),
        new("rand-warm", "kernel", 1 / 1.15),
        new("seq-warm", "null", 0.95),
        new("seq-cold", "kernel", 0.9),
        new("find-cold", "fuse2fs", 5),
        new("find-cold", "kernel", 1 / 2.5),
        new("rand-cold", "kernel", 0.8),
        new("direct-seq-1", "passthrough", 0.8),
        new("direct-seq-16", "passthrough", 0.8),
        new("direct-rand-1", "passthrough", 0.8),
        new("direct-rand-16", "passthrough", 0.8),
        new("mount", "", 0.4),
        new("untar", "fuse2fs", 8),
        new("untar", "kernel", 1 / 3.0),
        new("rm-rf", "fuse2fs", 8),
        new("create-1", "fuse2fs", 8),
        new("stat-1", "fuse2fs", 8),
        new("rename-1", "fuse2fs", 8),
        new("unlink-1", "fuse2fs", 8),
        new("rename-100", "fuse2fs", 8),
        new("create-100", "fuse2fs", 2),
        new("stat-100", "fuse2fs", 2),
        new("unlink-100", "fuse2fs", 2),
        new("mkdir", "fuse2fs", 2),
        new("rmdir", "fuse2fs", 2),
        new("cp-a", "fuse2fs", 2),
        new("git-checkout", "fuse2fs", 2),
        new("create-100", "null", 1 / 1.5),
        new("stat-100", "null", 1 / 1.5),
        new("rename-100", "null", 1 / 1.5),
        new("unlink-100", "null", 1 / 1.5),
        new("mkdir", "null", 1 / 1.5),
        new("rmdir", "null", 1 / 1.5),
        new("seq-write", "kernel", 0.75),
        new("fsync", "kernel", 1 / 1.3),
        new("rand-write", "kernel", 1 / 1.3),
        new("sqlite", "kernel", 1 / 1.3),
    ];

    /// <summary>One line on whether it holds; null when the run does not tell.</summary>
    public string? Judge(Report report)
    {
        Phase? phase = report.Phases.FirstOrDefault(p => p.Name == Phase);
        if (phase is null)
        {
            return null;
        }
        if (Other.Length == 0)
        {
            return report.CellOf(phase, Ours) is { Rounds: > 0 } cell
                ? Line($"{Phase}: {cell.Median:0.000} s, wanted at most {LeastSpeed:0.0} s", cell.Median <= LeastSpeed)
                : null;
        }
        return report.Speed(phase, Ours, Other) is double speed
            ? Line($"{Phase}: {speed:0.00} times the speed of {Other}, wanted {LeastSpeed:0.00}", speed >= LeastSpeed)
            : null;
    }

    /// <summary>The limit on memory after everything was read; null when that was not run.</summary>
    public static string? JudgeMemory(Report report)
    {
        long? bytes = report.Samples
            .Where(s => s.System == Ours && s.Phase == "tree-cold")
            .Max(s => s.ServerResidentBytes);
        return bytes is long value
            ? Line($"resident after tree-cold: {value >> 20} MiB, wanted at most {MostResidentBytes >> 20}",
                value <= MostResidentBytes)
            : null;
    }

    private static string Line(FormattableString text, bool holds) =>
        $"{text.ToString(CultureInfo.InvariantCulture)}: {(holds ? "holds" : "MISSED")}";
}

using System.Globalization;
using System.Runtime.InteropServices;
using Fuse4fs.Bench.Measuring;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>What a reader must know to place the figures.</summary>
internal static class EnvironmentRecord
{
    /// <summary>Collects it now.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Take(BenchOptions options)
    {
        Sizes sizes = options.Sizes;
        var record = new List<KeyValuePair<string, string>>();
        void Add(string name, string value) => record.Add(new(name, value));
        Add("date", DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC");
        string release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        Add("system", $"Linux {release}, {RuntimeInformation.OSDescription}");
        Add("processors", $"{Environment.ProcessorCount} x {Field("/proc/cpuinfo", "model name")}");
        Add("memory", Field("/proc/meminfo", "MemTotal"));
        Add("runtime", RuntimeInformation.FrameworkDescription);
        Add("e2fsprogs", Command.Try("mke2fs", "-V").Error.Split('\n')[0]);
        string[] host = ["-no", "SOURCE,FSTYPE,OPTIONS", "-T", options.WorkDirectory];
        Add("image directory", Command.Run("findmnt", host).Trim());
        Add("load average before", File.ReadAllText("/proc/loadavg").Trim());
        Add("rounds", options.Rounds.ToString(CultureInfo.InvariantCulture));
        Add("sizes", $"tree {sizes.Tree} (files up to {sizes.TreeFileLimitKib} KiB), big file {sizes.BigMib} MiB, "
            + $"large directory {sizes.ManyEntries} entries, sets of {sizes.Files} files, "
            + $"writes of {sizes.WriteMib} MiB, source tree {sizes.Source}");
        return record;
    }

    private static string Field(string path, string name)
    {
        string? line = File.ReadLines(path).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? "unknown" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}

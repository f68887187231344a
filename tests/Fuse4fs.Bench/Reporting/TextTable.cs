using System.Globalization;
using System.Text;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>The results as Markdown tables, readable as plain text too.</summary>
internal static class TextTable
{
    /// <summary>Writes environment, figures, costs, targets and failures.</summary>
    public static string Render(Report report)
    {
        var text = new StringBuilder();
        foreach ((string name, string value) in report.Environment)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"* {name}: {value}");
        }
        foreach ((string name, string description) in report.Systems)
        {
            string settings = report.Settings.TryGetValue(name, out var s) ? $" ({s})" : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"* {name}: {description}{settings}");
        }
        text.AppendLine();
        Append(text, "Medians, in brackets half the spread", report, Median);
        Append(text, "Server CPU seconds / resident MiB afterwards (kernel: CPU seconds of the load)", report, Cost);
        AppendTargets(text, report);
        AppendFailures(text, report);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string title, Report report, Func<Phase, Cell, string> cellText)
    {
        string[] systems = [.. report.Systems.Select(s => s.Key)];
        var rows = new List<string[]> { (string[])["step", .. systems] };
        foreach (Phase phase in report.Phases)
        {
            IEnumerable<Cell?> cells = systems.Select(system => report.CellOf(phase, system));
            rows.Add([phase.Name, .. cells.Select(cell => cell is null ? "-" : cellText(phase, cell))]);
        }
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        text.AppendLine(title + ":").AppendLine();
        for (int row = 0; row < rows.Count; row++)
        {
            IEnumerable<string> cells = rows[row].Select((cell, i) => cell.PadRight(widths[i]));
            text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");
            if (row == 0)
            {
                text.Append("|-").AppendJoin("-|-", widths.Select(width => new string('-', width))).AppendLine("-|");
            }
        }
        text.AppendLine();
    }

    private static string Median(Phase phase, Cell cell) =>
        cell.Rounds == 0
            ? "failed"
            : FigureText.Of(phase.Figure, cell.Median) + cell.Spread.ToString(" [0 %]", CultureInfo.InvariantCulture);

    private static string Cost(Phase phase, Cell cell)
    {
        if (cell.Rounds == 0)
        {
            return "failed";
        }
        double cpu = cell.ServerCpuSeconds ?? cell.LoadCpuSeconds;
        string memory = cell.ServerResidentBytes is long bytes ? $" / {bytes >> 20}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{cpu:0.000}{memory}");
    }

    private static void AppendTargets(StringBuilder text, Report report)
    {
        IEnumerable<string?> judged = Target.All.Select(target => target.Judge(report));
        string[] verdicts = [.. judged.Append(Target.JudgeMemory(report)).OfType<string>()];
        if (verdicts.Length > 0)
        {
            text.AppendLine("Targets:").AppendLine();
            text.AppendJoin('\n', verdicts.Select(verdict => "* " + verdict)).AppendLine().AppendLine();
        }
    }

    private static void AppendFailures(StringBuilder text, Report report)
    {
        foreach (var group in report.Samples.Where(s => s.Failure is not null).GroupBy(s => (s.Phase, s.System)))
        {
            (string phase, string system) = group.Key;
            text.AppendLine(CultureInfo.InvariantCulture, $"failed: {phase} on {system}: {group.First().Failure}");
        }
    }
}

using System.Globalization;
using System.Net;
using System.Text;
using Fuse4fs.Bench.Scenarios;

namespace Fuse4fs.Bench.Reporting;

/// <summary>A bar chart: each system's speed where kernel ext4 is 1, so that longer is always better.</summary>
internal static class SvgChart
{
    private const string Reference = "kernel";
    private const int LabelWidth = 150;
    private const int PlotWidth = 620;
    private const int ValueWidth = 210;
    private const int BarHeight = 12;
    private const int GroupGap = 10;
    private const int Top = 56;
    private const double LongestBar = 1.6;

    private static readonly string[] Colours = ["#5b6770", "#d08770", "#8fa876", "#b8a2c8", "#2f6db5", "#c9b458"];

    /// <summary>The chart; empty when the reference was not among the systems.</summary>
    public static string Render(Report report)
    {
        string[] systems = [.. report.Systems.Select(s => s.Key)];
        if (!systems.Contains(Reference))
        {
            return "";
        }
        var bars = new StringBuilder();
        int y = Top;
        foreach (Phase phase in report.Phases)
        {
            y = AppendGroup(bars, report, systems, phase, y);
        }
        int width = LabelWidth + PlotWidth + ValueWidth;
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{y + 8}\" "
            + $"font-family=\"sans-serif\">");
        svg.AppendLine("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        AppendText(svg, 8, 20, 14, "Speed, kernel ext4 = 1 (longer is better)");
        AppendLegend(svg, systems);
        svg.Append(bars);
        int line = LabelWidth + (int)(PlotWidth / LongestBar);
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"<line x1=\"{line}\" x2=\"{line}\" y1=\"{Top - 6}\" y2=\"{y}\" stroke=\"black\" "
            + $"stroke-dasharray=\"3 3\"/>");
        return svg.AppendLine("</svg>").ToString();
    }

    private static int AppendGroup(StringBuilder svg, Report report, string[] systems, Phase phase, int y)
    {
        AppendText(svg, 8, y + BarHeight - 2, 11, phase.Name);
        for (int i = 0; i < systems.Length; i++)
        {
            if (report.CellOf(phase, systems[i]) is not { Rounds: > 0 } cell)
            {
                continue;
            }
            double speed = report.Speed(phase, systems[i], Reference) ?? 0;
            double length = Math.Min(speed, LongestBar) / LongestBar * PlotWidth;
            string colour = Colours[i % Colours.Length];
            svg.AppendLine(CultureInfo.InvariantCulture,
                $"<rect x=\"{LabelWidth}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{BarHeight - 2}\" "
                + $"fill=\"{colour}\"/>");
            string cut = speed > LongestBar ? " (bar cut)" : "";
            string value = $"{speed.ToString("0.00", CultureInfo.InvariantCulture)}  "
                + FigureText.Of(phase.Figure, cell.Median) + cut;
            AppendText(svg, LabelWidth + (int)length + 5, y + BarHeight - 3, 10, value);
            y += BarHeight;
        }
        return y + GroupGap;
    }

    private static void AppendLegend(StringBuilder svg, string[] systems)
    {
        for (int i = 0; i < systems.Length; i++)
        {
            int x = 8 + (i * 120);
            svg.AppendLine(CultureInfo.InvariantCulture,
                $"<rect x=\"{x}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{Colours[i % Colours.Length]}\"/>");
            AppendText(svg, x + 15, 39, 11, systems[i]);
        }
    }

    private static void AppendText(StringBuilder svg, int x, int y, int size, string text) =>
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\">{WebUtility.HtmlEncode(text)}</text>");
}

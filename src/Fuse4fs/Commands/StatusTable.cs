using System.Globalization;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Server.Control;
using Spectre.Console;

namespace Fuse4fs.Commands;

/// <summary>A server's status as a person likes to see it.</summary>
internal static class StatusTable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    public static void Show(ServerStatus status) => AnsiConsole.Write(Draw(status, null));

    /// <summary>Renews it every second, until the server is gone or somebody interrupts.</summary>
    public static void Watch(ServerStatus status, Func<ServerStatus?> next) =>
        AnsiConsole.Live(Draw(status, null)).Start(view =>
        {
            for (ServerStatus before = status; ; before = status)
            {
                view.Refresh();
                Thread.Sleep(s_period);
                if (next() is not { } now)
                {
                    return;
                }
                status = now;
                view.UpdateTarget(Draw(status, before));
            }
        });

    private static Rows Draw(ServerStatus status, ServerStatus? before)
    {
        var facts = new Grid().AddColumn().AddColumn();
        void Fact(string name, string value) => facts.AddRow(Markup.Escape(name), Markup.Escape(EscapedName.Of(value)));

        Fact("Image", status.Image);
        Fact("Mounted on", $"{status.MountPoint}, {status.Mode}, process {status.Process}");
        if (status.Waiting > 0)
        {
            Fact("Waiting", $"{Count((ulong)status.Waiting)} requests, for the thaw");
        }
        Fact("Space", $"{Size(status.Space.FreeBytes)} of {Size(status.Space.Bytes)} free");
        Fact("Inodes", $"{Count(status.Space.FreeInodes)} of {Count(status.Space.Inodes)} free");
        Fact("Cache", $"{Size((ulong)status.Cache.Bytes)}, "
            + $"{Share(status.Cache.Requests - status.Cache.Misses, status.Cache.Requests)} hits");
        if (status.Journal is { } journal)
        {
            Fact("Journal", $"{Share(journal.UsedBytes, journal.LogBytes)} of {Size((ulong)journal.LogBytes)} in use, "
                + $"{Size((ulong)journal.DirtyBytes)} dirty, {Count(journal.Commits)} commits");
        }
        Fact("Errors", $"{Count(status.RecordedErrors)} recorded on the volume, "
            + $"{Count((ulong)status.FailedRequests)} requests failed");
        return new Rows(facts, Operations(status, before));
    }

    private static Table Operations(ServerStatus status, ServerStatus? before)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("Requests");
        foreach (string name in (ReadOnlySpan<string>)["Count", "Per second", "Errors", "Median", "90%", "99%", "Longest"])
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }
        double seconds = status.UptimeSeconds - (before?.UptimeSeconds ?? 0);
        foreach (OperationStatus one in status.Operations.OrderByDescending(static one => one.Requests))
        {
            long earlier = before?.Operations.FirstOrDefault(old => old.Kind == one.Kind)?.Requests ?? 0;
            string rate = seconds > 0 ? Text($"{(one.Requests - earlier) / seconds:0.#}") : "";
            table.AddRow(Markup.Escape(EscapedName.Of(one.Kind)), Count((ulong)one.Requests), rate, Count((ulong)one.Errors),
                Duration(one.MedianMicroseconds), Duration(one.NinetiethMicroseconds),
                Duration(one.NinetyNinthMicroseconds), Duration(one.LongestMicroseconds));
        }
        return table;
    }

    private static string Count(ulong count) => Text($"{count:N0}");

    private static string Share(long part, long whole) => whole > 0 ? Text($"{100.0 * part / whole:0.#} %") : "-";

    private static string Duration(double microseconds) => microseconds switch
    {
        < 1_000 => Text($"{microseconds:0} us"),
        < 1_000_000 => Text($"{microseconds / 1_000:0.0} ms"),
        _ => Text($"{microseconds / 1_000_000:0.0} s"),
    };

    private static string Size(ulong bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < 4)
        {
            value /= 1024;
            unit++;
        }
        return Text($"{value:0.#} {"BKMGT"[unit]}{(unit > 0 ? "iB" : "")}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

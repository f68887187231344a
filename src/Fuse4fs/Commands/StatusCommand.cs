using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fuse4fs.Inspecting.Output;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs status MOUNTPOINT: a table that renews itself for a person at a terminal, one JSON object with --json,
/// lines of "key: value" otherwise.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        Argument<string> mountPoint = ControlCommand.MountPoint();
        var json = new Option<bool>("--json") { Description = "one JSON object" };
        var once = new Option<bool>("--once") { Description = "at a terminal: show it once" };
        var command = new Command("status", "Shows what the server of a mount does.") { mountPoint, json, once };
        command.SetAction(result => ControlCommand.Finish(
            Run(result.GetRequiredValue(mountPoint), result.GetValue(json), result.GetValue(once))));
        return command;
    }

    private static string? Run(string mountPoint, bool isJson, bool isOnce)
    {
        using ControlClient? client = ControlClient.Connect(mountPoint, out string failure);
        ControlReply Ask() => client is null
            ? new ControlReply { Status = MountControl.Status(mountPoint) }
            : client.AskQuickly(new ControlRequest { Verb = ControlVerb.Status });

        ControlReply reply = Ask();
        if (reply.Status is not { } status)
        {
            return client is null ? failure : ControlCommand.FailureOf(mountPoint, reply);
        }
        if (isJson)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(status, ControlJson.Default.ServerStatus));
        }
        else if (Console.IsOutputRedirected)
        {
            WriteLines(status);
        }
        else if (isOnce)
        {
            StatusTable.Show(status);
        }
        else
        {
            StatusTable.Watch(status, () => Ask() is { Error: Errno.Ok, Status: { } next } ? next : null);
        }
        return null;
    }

    private static void WriteLines(ServerStatus status)
    {
        void Line(string key, FormattableString value) =>
            Console.Out.Write($"{key}: {value.ToString(CultureInfo.InvariantCulture)}\n");

        Line("image", $"{EscapedName.Of(status.Image)}");
        Line("mount point", $"{EscapedName.Of(status.MountPoint)}");
        Line("mode", $"{EscapedName.Of(status.Mode)}");
        Line("waiting", $"{status.Waiting} requests");
        Line("process", $"{status.Process}");
        Line("protocol", $"{EscapedName.Of(status.Protocol)}");
        Line("uptime", $"{status.UptimeSeconds:0} s");
        Line("space",
            $"{status.Space.FreeBytes} of {status.Space.Bytes} bytes free, {status.Space.AvailableBytes} for everybody");
        Line("inodes", $"{status.Space.FreeInodes} of {status.Space.Inodes} free");
        Line("cache", $"{status.Cache.Requests} requests, {status.Cache.Misses} misses, {status.Cache.Bytes} bytes");
        if (status.Journal is { } journal)
        {
            Line("journal",
                $"{journal.UsedBytes} of {journal.LogBytes} bytes used, {journal.DirtyBytes} dirty, {journal.Commits} commits");
        }
        Line("written", $"{status.WrittenBytes} bytes");
        Line("errors", $"{status.RecordedErrors}");
        foreach (OperationStatus operation in status.Operations)
        {
            Line(EscapedName.Of(operation.Kind), $"{operation.Requests} requests, {operation.TotalMilliseconds:0.0} ms");
        }
    }
}

using System.CommandLine;
using System.Globalization;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs sync, thaw, trim, shutdown: have the server of a mount do something.</summary>
internal static class ControlCommand
{
    public static IEnumerable<Command> CreateAll()
    {
        yield return StatusCommand.Create();
        yield return ServersCommand.Create();
        yield return Simple("sync", "Returns when everything written to a mount is durable.", MountControl.Sync);
        yield return FreezeCommand.Create();
        yield return Simple("thaw", "Ends freeze.", static mountPoint =>
            Ask(mountPoint, new ControlRequest { Verb = ControlVerb.Thaw }));
        yield return SnapshotCommand.Create();
        yield return CreateTrim();
        yield return CreateShutdown();
    }

    /// <summary>The argument all of them have.</summary>
    public static Argument<string> MountPoint() => new("MOUNTPOINT") { Description = "where the image is mounted" };

    public static int Finish(string? failure) =>
        failure is null ? ExitCodes.Success : ExitCodes.Report(failure, ExitCodes.MountFailed);

    /// <summary>What to tell the user of a reply; null when it did what was asked.</summary>
    public static string? FailureOf(string mountPoint, ControlReply reply) =>
        reply.Error == Errno.Ok ? null : $"{mountPoint}: {reply.Message ?? reply.Error.ToString()}";

    private static Command Simple(string name, string description, Func<string, string?> run)
    {
        Argument<string> mountPoint = MountPoint();
        var command = new Command(name, description) { mountPoint };
        command.SetAction(result => Finish(run(result.GetRequiredValue(mountPoint))));
        return command;
    }

    private static string? Ask(string mountPoint, ControlRequest request)
    {
        using ControlClient? client = ControlClient.Connect(mountPoint, out string failure);
        return client is null ? failure : FailureOf(mountPoint, client.Ask(request));
    }

    private static Command CreateTrim()
    {
        Argument<string> mountPoint = MountPoint();
        var minimum = new Option<ulong>("--minimum") { Description = "leave shorter free runs alone, bytes" };
        var command = new Command("trim", "Gives free space back to what lies below the image.") { mountPoint, minimum };
        command.SetAction(result =>
        {
            string place = result.GetRequiredValue(mountPoint);
            string? failure = MountControl.Trim(place, result.GetValue(minimum), out ulong trimmed);
            if (failure is null)
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{place}: {trimmed} bytes trimmed"));
            }
            return Finish(failure);
        });
        return command;
    }

    private static Command CreateShutdown()
    {
        Argument<string> mountPoint = MountPoint();
        var mode = new Option<string>("--mode")
        {
            Description = "default: everything is made durable; logflush: only the log; nologflush: nothing, as a crash",
            DefaultValueFactory = static _ => "default",
        };
        var command = new Command("shutdown", "Ends the service of a mount; it then answers with I/O errors.")
        {
            mountPoint, mode,
        };
        command.SetAction(result => Finish(Ask(result.GetRequiredValue(mountPoint),
            new ControlRequest { Verb = ControlVerb.ShutDown, Mode = ParseMode(result.GetValue(mode)) })));
        return command;
    }

    private static ShutdownMode ParseMode(string? mode) => mode switch
    {
        "default" => ShutdownMode.Default,
        "logflush" => ShutdownMode.LogFlush,
        "nologflush" => ShutdownMode.NoLogFlush,
        _ => throw new UsageException($"shutdown mode '{mode}': default, logflush or nologflush is expected"),
    };
}

using System.CommandLine;
using Fuse4fs.Options;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs status, sync and shutdown: talk to the server of a mount.</summary>
internal static class ControlCommand
{
    public static IEnumerable<Command> CreateAll()
    {
        yield return CreateStatus();
        yield return CreateSync();
        yield return CreateShutdown();
    }

    private static Command CreateStatus()
    {
        Argument<string> mountPoint = MountPoint();
        var command = new Command("status", "Shows what the server of a mount says about itself.") { mountPoint };
        command.SetAction(result =>
        {
            string? status = MountControl.Status(result.GetRequiredValue(mountPoint), out string failure);
            Console.Out.Write(status);
            return Finish(status is null ? failure : null);
        });
        return command;
    }

    private static Command CreateSync()
    {
        Argument<string> mountPoint = MountPoint();
        var command = new Command("sync", "Returns when everything written to a mount is durable.") { mountPoint };
        command.SetAction(result => Finish(MountControl.Sync(result.GetRequiredValue(mountPoint))));
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
        command.SetAction(result =>
            Finish(MountControl.Shutdown(result.GetRequiredValue(mountPoint), ParseMode(result.GetValue(mode)))));
        return command;
    }

    private static Argument<string> MountPoint() => new("MOUNTPOINT") { Description = "where the image is mounted" };

    private static ShutdownMode ParseMode(string? mode) => mode switch
    {
        "default" => ShutdownMode.Default,
        "logflush" => ShutdownMode.LogFlush,
        "nologflush" => ShutdownMode.NoLogFlush,
        _ => throw new UsageException($"shutdown mode '{mode}': default, logflush or nologflush is expected"),
    };

    private static int Finish(string? failure) =>
        failure is null ? ExitCodes.Success : ExitCodes.Report(failure, ExitCodes.MountFailed);
}

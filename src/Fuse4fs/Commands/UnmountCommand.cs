using System.CommandLine;
using Fuse4fs.Server.Control;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs umount MOUNTPOINT: unmounts and waits until the server has let the image go.</summary>
internal static class UnmountCommand
{
    public static Command Create()
    {
        var mountPoint = new Argument<string>("MOUNTPOINT") { Description = "where the image is mounted" };
        var lazy = new Option<bool>("--lazy", "-l") { Description = "detach now, end when nobody uses it any more" };
        var force = new Option<bool>("--force") { Description = "abort requests under way" };
        var command = new Command("umount", "Unmounts; returns when the image is consistent and let go.");
        command.Arguments.Add(mountPoint);
        command.Options.Add(lazy);
        command.Options.Add(force);
        command.SetAction(result =>
            Run(result.GetRequiredValue(mountPoint), result.GetValue(lazy), result.GetValue(force)));
        return command;
    }

    public static int Run(string mountPoint, bool lazy, bool force)
    {
        string? failure = Unmounter.Unmount(mountPoint, lazy, force);
        return failure is null ? ExitCodes.Success : ExitCodes.Report(failure, ExitCodes.MountFailed);
    }
}

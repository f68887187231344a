using System.CommandLine;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;
using Fuse4fs.Snapshots;

namespace Fuse4fs.Commands;

/// <summary>fuse4fs snapshot MOUNTPOINT OUT: a consistent copy of a mounted image. This process copies, with its own
/// user's rights; the server only stands still meanwhile, on a host that can share blocks for a moment.</summary>
internal static class SnapshotCommand
{
    /// <summary>How long the mount stays frozen when this process moves on no more.</summary>
    private const int PatienceSeconds = 30;

    public static Command Create()
    {
        Argument<string> mountPoint = ControlCommand.MountPoint();
        var target = new Argument<string>("OUT") { Description = "the copy, a new file" };
        var command = new Command("snapshot", "Copies the image of a mount in a consistent state.") { mountPoint, target };
        command.SetAction(result => ControlCommand.Finish(
            Run(result.GetRequiredValue(mountPoint), result.GetRequiredValue(target))));
        return command;
    }

    private static string? Run(string mountPoint, string target)
    {
        using ControlClient? client = ControlClient.Connect(mountPoint, out string failure);
        if (client is null)
        {
            return failure;
        }
        string directory = Path.GetDirectoryName(Path.GetFullPath(target)) ?? "/";
        if (IsInside(mountPoint, directory))
        {
            return $"{target}: lies in the mount that is to be copied";
        }
        using SnapshotFile? copy = SnapshotFile.Create(target, directory, out failure);
        if (copy is null)
        {
            return failure;
        }
        return Copy(client, mountPoint, target, copy.Descriptor) ?? copy.Keep();
    }

    private static string? Copy(ControlClient client, string mountPoint, string target, FileDescriptor copy)
    {
        if (FreezeCommand.Prepare(client, mountPoint) is { } refusal)
        {
            return refusal;
        }
        ControlReply reply = client.FreezeForCopy(PatienceSeconds, out FileDescriptor? image);
        using (image)
        {
            if (reply.Error != Errno.Ok || image is null)
            {
                return ControlCommand.FailureOf(mountPoint, reply) ?? $"{mountPoint}: its server did not pass the image";
            }
            FreezeCommand.Tell(mountPoint, reply);
            string? late = null;
            var work = new ImageCopy(image, copy, () => (late = Renew(client, mountPoint)) is null);
            Errno error = work.Run();
            if (error != Errno.Ok)
            {
                return late ?? $"{target}: {mountPoint} cannot be copied there: {error}";
            }
        }
        return ControlCommand.FailureOf(mountPoint, client.Ask(new ControlRequest { Verb = ControlVerb.Thaw }));
    }

    private static string? Renew(ControlClient client, string mountPoint) => ControlCommand.FailureOf(mountPoint,
        client.Ask(new ControlRequest { Verb = ControlVerb.Renew, Seconds = PatienceSeconds }));

    /// <summary>What is written into a frozen mount waits until it is thawed, which here would be never.</summary>
    private static bool IsInside(string mountPoint, string directory) =>
        LibC.Status(mountPoint, out FileStatus mount) == Errno.Ok && LibC.Status(directory, out FileStatus place) == Errno.Ok
        && (mount.DeviceMajor, mount.DeviceMinor) == (place.DeviceMajor, place.DeviceMinor);
}

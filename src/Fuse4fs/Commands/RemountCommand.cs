using Fuse4fs.Daemon;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Options;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Commands;

/// <summary>-o remount: the kernel's flags of an existing mount change and the server goes on as it is, with the options
/// it was started with. Only a server that was started read-only cannot begin to write: for rw the mount is made anew,
/// which needs that nobody uses it.</summary>
internal static class RemountCommand
{
    private const MountFlags Remount = (MountFlags)32;

    public static int Run(MountRequest request, ServeOptions options)
    {
        string place = Unmounter.PlaceOf(options.MountPoint);
        if (MountTable.Find(place) is not { } mount || !mount.Type.StartsWith("fuse", StringComparison.Ordinal))
        {
            return ExitCodes.Report($"{options.MountPoint}: not mounted by fuse4fs", ExitCodes.MountFailed);
        }
        if (!options.ReadOnly && MountControl.IsServedReadOnly(place) == true)
        {
            return Renew(request, options, place, mount);
        }
        if (LibC.Mount(mount.Source, place, "fuse", options.Mount.Flags | Remount, "") == 0)
        {
            return ExitCodes.Success;
        }
        Errno error = LibC.LastError;
        return ExitCodes.Report(error switch
        {
            Errno.Busy => $"{options.MountPoint}: files are open for writing",
            Errno.Invalid => $"{options.MountPoint}: not mounted",
            Errno.NotPermitted => $"{options.MountPoint}: no permission to change the mount",
            _ => $"{options.MountPoint}: cannot change the mount: {error}",
        }, ExitCodes.MountFailed);
    }

    /// <summary>Unmounts and mounts for writing. What can be known to fail is refused before.</summary>
    private static int Renew(MountRequest request, ServeOptions options, string place, MountEntry mount)
    {
        if (MountTable.Read().Count(entry => entry.Device == mount.Device) > 1)
        {
            return ExitCodes.Report($"{options.MountPoint}: mounted read-only in several places; unmount them and mount it "
                + "for writing", ExitCodes.MountFailed);
        }
        Errno error = ImageFile.Open(request.Source, isReadOnly: false, 0, isExclusive: false, out ImageFile? image);
        image?.Dispose();
        if (error != Errno.Ok)
        {
            return ExitCodes.Report($"{options.MountPoint}: cannot remount {request.Source} read-write: "
                + (error == Errno.ReadOnly ? "it is write-protected" : $"{error}"), ExitCodes.MountFailed);
        }
        string? failure = Unmounter.Unmount(place, lazy: false, force: false);
        return failure is null
            ? DaemonLauncher.Launch(request with { Words = [.. request.Words.Where(static word => word != "remount")] })
            : ExitCodes.Report($"{failure}; a mount that was made read-only becomes writable only when nobody uses it",
                ExitCodes.MountFailed);
    }
}

using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Commands;

/// <summary>-o remount: only the kernel's flags of an existing mount change; the server goes on as it is.</summary>
internal static class RemountCommand
{
    public static int Run(ServeOptions options)
    {
        const MountFlags remount = (MountFlags)32;
        if (LibC.Mount(options.Source, options.MountPoint, "fuse", options.Mount.Flags | remount, "") == 0)
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
}

using Fuse4fs.Fuse;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;
using Fuse4fs.Server.Control;
using Fuse4fs.Server.Sources;

namespace Fuse4fs.Server.Mounting;

/// <summary>A block device that this program serves already, mounted in one more place: no second server, the kernel
/// shares the first mount's superblock. Flags such as nosuid are each mount's own, the file system's options stay those
/// of the first.</summary>
public static class SharedMount
{
    /// <summary>Joins a mount of the same device.</summary>
    /// <returns>False when there is none to join: then it is to be mounted in the ordinary way.</returns>
    /// <exception cref="MountRefusedException">There is one, and it cannot be joined.</exception>
    public static bool TryJoin(ServeOptions options)
    {
        if (options.FuseBlock == FuseBlockChoice.Off || options.OffsetBytes != 0
            || LibC.Status(options.Source, out FileStatus status) != Errno.Ok
            || status.FileType != FileStatus.BlockDevice)
        {
            return false;
        }
        MountEntry? first = ConflictSearch.MountOf(in status);
        bool mayBeOurs = first is null
            ? IsClaimed(options.Source)
            : first.Type.StartsWith("fuseblk", StringComparison.Ordinal)
                && MountControl.IsServedReadOnly(first.MountPoint) is not null;
        return mayBeOurs && Join(options, first);
    }

    private static bool Join(ServeOptions options, MountEntry? first)
    {
        MountOptions mount = options.Mount with { FuseBlock = true, Source = Path.GetFullPath(options.Source) };
        Errno error;
        try
        {
            error = FuseMount.Join(options.MountPoint, mount);
        }
        catch (FuseException refusal)
        {
            throw new MountRefusedException(refusal.Message, refusal);
        }
        if (error == Errno.Ok)
        {
            if (MountControl.IsServedReadOnly(options.MountPoint) is not null)
            {
                return true;
            }
            // Somebody else's file system of the type fuseblk.
            _ = FuseMount.Unmount(options.MountPoint, lazily: false);
            return false;
        }
        return error == Errno.Busy && first is not null
            ? throw new MountRefusedException(
                $"{options.Source}: already mounted on {first.MountPoint}, {(options.ReadOnly ? "writable" : "read-only")}")
            : false;
    }

    /// <summary>Detached while in use, or seen only from other mount namespaces, a mount is in no table here, but its
    /// device is still claimed.</summary>
    private static bool IsClaimed(string device)
    {
        using FileDescriptor claim = LibC.Open(device,
            OpenFlags.ReadOnly | OpenFlags.Exclusive | OpenFlags.CloseOnExec | OpenFlags.NonBlocking, 0);
        return claim.IsInvalid && LibC.LastError == Errno.Busy;
    }
}

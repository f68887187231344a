using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Linux;
using Fuse4fs.Server.Mounting;

namespace Fuse4fs.Server.Opens;

/// <summary>When access times move. The kernel leaves them to the server and reads cached data without asking it, so a
/// file counts as read when it is opened for reading alone. Otherwise as with any file system: relatime unless the mount says
/// strictatime or noatime; chattr +A and O_NOATIME are honoured.</summary>
/// <remarks>Kernel: fuse_iget (S_NOATIME), atime_needs_update, relatime_need_update.</remarks>
internal static class AccessTimes
{
    private const long DaySeconds = 24 * 60 * 60;

    /// <summary>Moves a file's access time if opening it so is a reason. The kernel, which keeps attributes, is told.
    /// </summary>
    public static void Opened(ServedVolume server, ulong nodeId, in InodeAttributes attributes, OpenFlags flags)
    {
        if (server.IsReadOnly || server.Freezer.IsHolding || (flags & OpenFlags.AccessMask) != OpenFlags.ReadOnly
            || (flags & (OpenFlags.NoAccessTime | OpenFlags.Truncate)) != 0
            || !IsDue(server.Options, in attributes, Timestamp.OfChange(server.Volume.Context))
            || server.Volume.Accessed(attributes.Number) != Errno.Ok)
        {
            return;
        }
        server.ForgetAttributes(nodeId);
    }

    private static bool IsDue(ServeOptions options, in InodeAttributes attributes, Timestamp now)
    {
        MountFlags mount = options.Mount.Flags;
        if (mount.HasFlag(MountFlags.NoAccessTime) || (attributes.Flags & InodeFlags.NoAccessTime) != 0
            || attributes.Kind != FileKind.Regular)
        {
            return false;
        }
        Timestamp last = attributes.AccessTime;
        return mount.HasFlag(MountFlags.StrictAccessTime)
            ? last < now
            : last <= attributes.ModificationTime || last <= attributes.ChangeTime
                || now.Seconds - last.Seconds >= DaySeconds;
    }
}

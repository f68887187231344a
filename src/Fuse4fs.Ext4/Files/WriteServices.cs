using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>What changing a file's data needs; exists only on volumes opened for writing.</summary>
internal sealed record WriteServices(
    VolumeContext Context, InodeTable Inodes, FileMap Map, MapEditor Maps, HoleAllocator Holes, BlockAllocator Allocator, Journal Journal)
{
    private const int SetUserId = 0x0800;
    private const int SetGroupId = 0x0400;
    private const int GroupExecute = 0x0008;

    /// <summary>What only files with an extent tree can.</summary>
    public ExtentTree Tree => Maps.Extents;

    /// <summary>This thread's change; at most one is prepared at a time, as at most one handle is open.</summary>
    public static MapChange Change => t_change ??= new MapChange();

    /// <summary>What time it is, in the steps in which the kernel gives times to files.</summary>
    public Timestamp Now() => Timestamp.OfChange(Context);

    /// <summary>Notes that a file's contents changed just now, and by whom.</summary>
    public void Touch(Inode inode, in WriteOptions options)
    {
        inode.Version = unchecked(inode.Version + 1);
        if (options.MovesTimes)
        {
            inode.ModificationTime = Now();
            inode.ChangeTime = inode.ModificationTime;
        }
        if (options.KillsPrivileges)
        {
            DropPrivileges(inode, options.IsOutsideGroup);
        }
    }

    /// <summary>Stores a file's size, which is all that changes.</summary>
    public Errno StoreSize(Inode inode, long size, in WriteOptions options)
    {
        Errno error = Journal.TryStart(Inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            inode.SizeBytes = size;
            Touch(inode, in options);
            Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>Takes set-user-id and set-group-id away, the latter where the group may execute or the writer is not of
    /// the group. Kernel: setattr_should_drop_suidgid.</summary>
    private static void DropPrivileges(Inode inode, bool isOutsideGroup)
    {
        inode.Mode &= unchecked((ushort)~SetUserId);
        if ((inode.Mode & GroupExecute) != 0 || isOutsideGroup)
        {
            inode.Mode &= unchecked((ushort)~SetGroupId);
        }
    }

    /// <summary>Gives back the space kept ahead of an inode's writers. Its lock is held exclusively, or nobody refers to
    /// it any more.</summary>
    public void ReleaseWindows(Inode inode)
    {
        if (inode.Windows is { } windows)
        {
            inode.Windows = null;
            Allocator.ReleaseWindows(windows);
        }
    }

    [ThreadStatic]
    private static MapChange? t_change;
}

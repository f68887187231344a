using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;

namespace Fuse4fs.Ext4.Directories;

/// <summary>What changing names needs; exists only on volumes opened for writing. ReservedUser is who may use reserved
/// blocks besides root, ReservedGroup the group that may, 0 for none; with GroupOfDirectory new inodes take their
/// directory's group.</summary>
internal sealed record NameServices(
    VolumeContext Context,
    InodeTable Inodes,
    MapEditor Maps,
    HoleAllocator Holes,
    FreeSpace Space,
    Journal Journal,
    OrphanList Orphans,
    DirectoryReader Reader,
    DirectoryEditor Editor,
    XattrReader AttributeReader,
    XattrWriter AttributeWriter,
    uint ReservedUser,
    uint ReservedGroup,
    bool GroupOfDirectory)
{
    /// <summary>Link counts of directories.</summary>
    public DirectoryLinks Links { get; } = new(Context.Geometry);

    /// <summary>What time it is, in the steps in which the kernel gives times to files.</summary>
    public Timestamp Now() => Timestamp.OfChange(Context);

    /// <summary>How deep a caller may dig into the last free space. Kernel: ext4_has_free_clusters.</summary>
    public SpaceClaim ClaimOf(in Caller caller) =>
        caller.UserId == 0 || caller.UserId == ReservedUser || (ReservedGroup != 0 && caller.GroupId == ReservedGroup)
            ? SpaceClaim.Reserve
            : SpaceClaim.Ordinary;

    /// <summary>The names of a directory changed.</summary>
    public static void Touch(Inode directory, Timestamp now)
    {
        directory.ModificationTime = now;
        directory.ChangeTime = now;
        directory.Version = unchecked(directory.Version + 1);
    }

    /// <summary>One name less; a directory has only one. The last one makes an orphan. The caller stores the inode.
    /// </summary>
    public void DropLink(Handle handle, Inode inode, Timestamp now)
    {
        inode.LinkCount = (ushort)(inode.IsDirectory ? 0 : inode.LinkCount - 1);
        inode.ChangeTime = now;
        if (inode.LinkCount == 0)
        {
            Orphans.Add(handle, inode);
        }
    }
}

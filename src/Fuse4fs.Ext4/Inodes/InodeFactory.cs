using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>What a new inode gets from its directory and its creator. Kernel: __ext4_new_inode.</summary>
internal static class InodeFactory
{
    /// <summary>S_ISGID: on a directory, new entries get its group.</summary>
    public const ushort SetGroupId = 0x400;

    private const InodeFlags Inherited = InodeFlags.SecureRemoval | InodeFlags.Undelete | InodeFlags.Compress
        | InodeFlags.Synchronous | InodeFlags.NoDump | InodeFlags.NoAccessTime | InodeFlags.NoCompress
        | InodeFlags.JournalData | InodeFlags.NoTail | InodeFlags.DirectorySync | InodeFlags.ProjectInherit
        | InodeFlags.Casefold | InodeFlags.DirectAccess;

    private const InodeFlags ForDirectoriesOnly = InodeFlags.DirectorySync | InodeFlags.TopDirectory
        | InodeFlags.Casefold | InodeFlags.ProjectInherit;

    private const InodeFlags ForOthers = InodeFlags.NoDump | InodeFlags.NoAccessTime;

    /// <summary>Fills the fields of an inode that <see cref="InodeTable.Create"/> made.</summary>
    /// <param name="inode">New.</param>
    /// <param name="parent">Its directory.</param>
    /// <param name="mode">Kind and permissions; default ACL and umask are applied already.</param>
    /// <param name="caller">Its owner.</param>
    /// <param name="groupOfDirectory">The directory's group in any case, and its set-group-id bit passes nothing
    /// on.</param>
    /// <param name="now">All of its times.</param>
    public static void Initialize(
        Inode inode, Inode parent, ushort mode, in Caller caller, bool groupOfDirectory, Timestamp now)
    {
        bool passesGroup = (parent.Mode & SetGroupId) != 0;
        bool isDirectory = (mode & (int)FileKind.Mask) == (int)FileKind.Directory;
        inode.Mode = (ushort)(mode | (passesGroup && isDirectory && !groupOfDirectory ? SetGroupId : 0));
        inode.UserId = caller.UserId;
        inode.GroupId = passesGroup || groupOfDirectory ? parent.GroupId : caller.GroupId;
        inode.LinkCount = 1;
        inode.Flags = InheritedFlags(parent.Flags, inode.Kind);
        inode.ProjectId = parent.Has(InodeFlags.ProjectInherit) ? parent.ProjectId : 0;
        inode.AccessTime = now;
        inode.ModificationTime = now;
        inode.ChangeTime = now;
        inode.BirthTime = now;
    }

    private static InodeFlags InheritedFlags(InodeFlags parent, FileKind kind) => kind switch
    {
        FileKind.Directory => parent & Inherited,
        FileKind.Regular => parent & Inherited & ~ForDirectoriesOnly,
        _ => parent & Inherited & ForOthers,
    };
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>EXT4_FL_USER_MODIFIABLE without the flags that change how data is stored: those cannot be set or cleared
    /// on an existing file here.</summary>
    private const InodeFlags SettableFlags = InodeFlags.SecureRemoval | InodeFlags.Undelete | InodeFlags.Compress
        | InodeFlags.Synchronous | InodeFlags.Immutable | InodeFlags.AppendOnly | InodeFlags.NoDump
        | InodeFlags.NoAccessTime | InodeFlags.JournalData | InodeFlags.NoTail | InodeFlags.DirectorySync
        | InodeFlags.TopDirectory | InodeFlags.ProjectInherit | InodeFlags.DirectAccess | InodeFlags.Casefold;

    /// <summary>EXT4_DAX_MUT_EXCL: what a file that asks for direct access cannot be.</summary>
    private const InodeFlags WithoutDirectAccess = InodeFlags.Verity | InodeFlags.Encrypted | InodeFlags.JournalData
        | InodeFlags.InlineData;

    private const InodeFlags DirectoryFlags =
        InodeFlags.DirectorySync | InodeFlags.TopDirectory | InodeFlags.ProjectInherit | InodeFlags.Casefold;

    private const InodeFlags FlagsOfOthers = InodeFlags.NoDump | InodeFlags.NoAccessTime;

    /// <summary>Sets the flags that chattr(1) shows. Who may do so is checked by the caller.</summary>
    /// <param name="number">Any inode.</param>
    /// <param name="flags">All of them as they are to be; what a user cannot change must be as it is.</param>
    /// <returns>NotSupported for a flag that would change how the file is stored and cannot, as <see cref="Migrate"/>,
    /// or for casefolding without the feature; NotDirectory, NotEmpty and NoKey for casefolding what is no directory,
    /// has names, or is encrypted; ReadOnly, Stale, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <remarks>Kernel: ext4_ioctl_setflags.</remarks>
    public Errno SetFlags(InodeNumber number, InodeFlags flags)
    {
        Errno error = ChangeMap(number, flags);
        return error == Errno.Ok ? StoreFlags(number, flags) : error;
    }

    /// <summary>Chattr(1) with +e and -e asks for another kind of map.</summary>
    private Errno ChangeMap(InodeNumber number, InodeFlags flags)
    {
        Errno error = AcquireForChange(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            bool wantsTree = (flags & InodeFlags.Extents) != 0;
            return wantsTree == reference.Inode.Has(InodeFlags.Extents) ? Errno.Ok
                : wantsTree ? MigrateLocked(reference.Inode)
                : MigrateBackLocked(reference.Inode);
        }
    }

    private Errno StoreFlags(InodeNumber number, InodeFlags flags) => ChangeFields(number, inode =>
    {
        InodeFlags settable = inode.IsDirectory ? SettableFlags
            : inode.IsRegular ? SettableFlags & ~DirectoryFlags
            : FlagsOfOthers;
        inode.Flags = (inode.Flags & ~settable) | (flags & settable);
        return Errno.Ok;
    }, inode => CheckFlags(inode, flags));

    private Errno CheckFlags(Inode inode, InodeFlags flags)
    {
        InodeFlags changed = flags ^ inode.Flags;
        bool asksForDirectAccess = (flags & changed & InodeFlags.DirectAccess) != 0;
        if ((changed & InodeFlags.Extents) != 0
            || (asksForDirectAccess && ((flags | inode.Flags) & WithoutDirectAccess) != 0 && inode.IsRegular))
        {
            return Errno.NotSupported;
        }
        return (changed & InodeFlags.Casefold) != 0 ? CheckCasefold(inode) : Errno.Ok;
    }

    /// <summary>Names are compared in another way from now on, which only a directory without any can bear. With
    /// encryption their hashes are keyed.</summary>
    private Errno CheckCasefold(Inode inode)
    {
        if (!Context.Geometry.Has(IncompatFeatures.Casefold))
        {
            return Errno.NotSupported;
        }
        if (!inode.IsDirectory)
        {
            return Errno.NotDirectory;
        }
        return inode.Has(InodeFlags.Encrypted) ? Errno.NoKey
            : Naming!.Editor.Writer.IsEmpty(inode) ? Errno.Ok : Errno.NotEmpty;
    }

    /// <summary>Sets the project a file belongs to.</summary>
    /// <param name="number">Any inode.</param>
    /// <param name="projectId">The project.</param>
    /// <param name="mayExceedQuota">The project's limits do not hold.</param>
    /// <returns>NotSupported on a volume without projects or with small inodes, NoSpace for an inode with attributes
    /// that leave no room for it, QuotaExceeded, ReadOnly, Stale, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The inode's attributes are damaged.</exception>
    /// <remarks>Kernel: ext4_ioctl_setproject.</remarks>
    public Errno SetProject(InodeNumber number, uint projectId, bool mayExceedQuota = false) => ChangeFields(number, inode =>
    {
        if (!Context.Geometry.RoCompat.HasFlag(RoCompatFeatures.Project))
        {
            return projectId == 0 ? Errno.Ok : Errno.NotSupported;
        }
        inode.ProjectId = projectId;
        return Errno.Ok;
    }, inode => MakeRoomForProject(inode, projectId), projectId, mayExceedQuota);

    /// <summary>Inodes of before there were projects have no field for one.</summary>
    private Errno MakeRoomForProject(Inode inode, uint projectId)
    {
        if (!Context.Geometry.Has(RoCompatFeatures.Project) || inode.ProjectId == projectId
            || inode.ExtraSizeBytes >= InodeExtraRecord.ProjectIdEnd)
        {
            return Errno.Ok;
        }
        if (Inodes.WantedExtraSizeBytes < InodeExtraRecord.ProjectIdEnd)
        {
            return Errno.NotSupported;
        }
        var change = new XattrChange(inode.Mode, Naming!.Now(), Naming.ClaimOf(default));
        return AttributeEditor!.Grow(inode, Inodes.WantedExtraSizeBytes, change);
    }

    /// <summary>Sets the generation. Refused where checksums depend on it, as the kernel does.</summary>
    public Errno SetGeneration(InodeNumber number, uint generation) => Context.Checksums.IsEnabled
        ? Errno.NotTerminal
        : ChangeFields(number, inode =>
        {
            inode.Generation = generation;
            return Errno.Ok;
        });

    private Errno ChangeFields(
        InodeNumber number, Func<Inode, Errno> change, Func<Inode, Errno>? check = null, uint? projectId = null,
        bool mayExceedQuota = false)
    {
        Errno error = AcquireForChange(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Inode inode = reference.Inode;
            int transfer = 0;
            error = check?.Invoke(inode) ?? Errno.Ok;
            if (error == Errno.Ok && projectId is uint project)
            {
                InodeCharge after = ChargeOf(inode) with { ProjectId = project };
                error = PrepareTransfer(inode, in after, mayExceedQuota, out transfer);
            }
            Handle handle = null!;
            error = error == Errno.Ok ? Journal!.TryStart(Inodes.StoreCredits + transfer, out handle) : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                error = change(inode);
                if (error == Errno.Ok)
                {
                    inode.ChangeTime = Writing!.Now().Clamp(inode.ExtraSizeBytes >= InodeExtraRecord.ChangeTimeEnd);
                    inode.Version = unchecked(inode.Version + 1);
                    Inodes.Store(handle, inode);
                }
                handle.Complete();
                return error;
            }
        }
    }
}

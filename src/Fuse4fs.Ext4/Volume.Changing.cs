using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    private const int SetUserIdBit = 0x800;
    private const int SetGroupIdBit = 0x400;
    private const int GroupExecuteBit = 0x8;
    private const int ChangeableBits = 0xFFF;

    /// <summary>Whether a caller may take blocks kept back for the superuser.</summary>
    public bool MayUseReserve(uint userId, uint groupId)
    {
        Superblock super = Context.CopySuperblock();
        uint reservedGroup = _options.ReservedGroupId ?? super.ReservedGroupId;
        return userId == 0 || userId == (_options.ReservedUserId ?? super.ReservedUserId)
            || (reservedGroup != 0 && groupId == reservedGroup);
    }

    /// <summary>Changes attributes, the size first. Who may do so is checked by the caller.</summary>
    /// <param name="number">Any inode.</param>
    /// <param name="change">What to change.</param>
    /// <param name="attributes">Afterwards.</param>
    /// <returns>NotPermitted for immutable and append-only files, as <see cref="Truncate"/> for sizes, ReadOnly,
    /// Stale, or Ok.</returns>
    /// <remarks>Kernel: setattr_prepare, ext4_setattr.</remarks>
    public Errno SetAttributes(InodeNumber number, in AttributeChange change, out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = AcquireForChange(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Inode inode = reference.Inode;
            bool isDelegated = change.IsDelegated && inode.IsRegular;
            error = isDelegated ? Errno.Ok : CheckChange(inode, in change);
            error = error == Errno.Ok ? ChangeRights(inode, in change) : error;
            if (error == Errno.Ok && change.SizeBytes is long size)
            {
                error = SetSizeLocked(inode, size, in change);
            }
            if (error == Errno.Ok && HasMoreThanSize(in change))
            {
                error = StoreChange(inode, in change);
            }
            attributes = AttributesOf(inode);
            return error;
        }
    }

    /// <summary>Moves an inode's access time to the present, and nothing else. Kernel: touch_atime.</summary>
    /// <returns>ReadOnly, the journal's error, Stale, or Ok.</returns>
    public Errno Accessed(InodeNumber number)
    {
        Errno error = AcquireForChange(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            error = Journal!.TryStart(Inodes.StoreCredits, out Handle handle);
            if (error == Errno.Ok)
            {
                using (handle)
                {
                    reference.Inode.AccessTime = Writing!.Now();
                    Inodes.Store(handle, reference.Inode);
                    handle.Complete();
                }
            }
            return error;
        }
    }

    /// <summary>What a change means for the attributes that grant rights: an access ACL follows the mode; who gets
    /// another owner or size loses capabilities.</summary>
    private Errno ChangeRights(Inode inode, in AttributeChange change)
    {
        Errno error = Errno.Ok;
        if (!change.IsDelegated
            && (change.UserId is not null || change.GroupId is not null || change.SizeBytes is not null))
        {
            error = DropCapability(inode, change.KeepsTimes);
        }
        if (error == Errno.Ok && change.Permissions is ushort permissions && inode.Kind != FileKind.Symlink)
        {
            var mode = (ushort)((inode.Mode & ~ChangeableBits) | (permissions & ChangeableBits));
            error = ChangeModeWithAcl(inode, mode, out _);
        }
        return error;
    }

    private static Errno CheckChange(Inode inode, in AttributeChange change)
    {
        // A cache hands in when data was written, always by a writer's descriptor, and when names or attributes changed,
        // which moves the change time alone. Whoever wants another modification time without being a writer is a user.
        if (change.MayBeCached && (change.IsFromWriter || KeepsModificationTime(inode, in change)))
        {
            return Errno.Ok;
        }
        bool isRefused = inode.Has(InodeFlags.Immutable)
            || (inode.Has(InodeFlags.AppendOnly) && !IsTouch(in change))
            || (inode.Has(InodeFlags.Verity) && change.SizeBytes is not null);
        return isRefused ? Errno.NotPermitted : Errno.Ok;
    }

    private static bool KeepsModificationTime(Inode inode, in AttributeChange change) =>
        !change.ModificationTime.IsSet
        || change.ModificationTime == TimeChange.To(inode.ModificationTime);

    /// <summary>Times to the present: even append-only files allow that. Whoever caches what is written has a present of
    /// its own, which it gives as both other times.</summary>
    private static bool IsTouch(in AttributeChange change) => change.Permissions is null && change.UserId is null
        && change.GroupId is null && change.SizeBytes is null && change.AccessTime == TimeChange.ToNow
        && (change.ModificationTime == TimeChange.ToNow
            || (change.ModificationTime.IsSet && change.ModificationTime == change.ChangeTime));

    private static bool HasMoreThanSize(in AttributeChange change) => change.SizeBytes is null
        || change.Permissions is not null || change.UserId is not null || change.GroupId is not null
        || change.AccessTime.IsSet || change.ModificationTime.IsSet || change.ChangeTime.IsSet;

    private Errno SetSizeLocked(Inode inode, long size, in AttributeChange change)
    {
        Errno error = CheckReadable(inode, size);
        error = error == Errno.Ok && change.IsDelegated ? CheckNotPinned(inode) : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        var options = new WriteOptions
        {
            IsDelegated = change.IsDelegated,
            MayUseReserve = change.MayUseReserve,
            KillsPrivileges = change.KillsPrivileges,
            // Whoever keeps the times says what they are, or leaves them.
            KeepsTimes = change.KeepsTimes || (change.ModificationTime.IsSet && change.ChangeTime.IsSet),
        };
        error = size > Writing!.Maps.MaximumFileBytes(inode) ? Errno.FileTooBig : ChangeSize(inode, size, in options);
        if (change.IsDelegated && error == Errno.Ok)
        {
            Delegated!.SizeWasSet(inode, size);
        }
        return error;
    }

    /// <summary>A file that is swapped to keeps its blocks.</summary>
    private Errno CheckNotPinned(Inode inode) =>
        Delegated?.IsPinned(inode) == true ? Errno.TextBusy : Errno.Ok;

    private Errno StoreChange(Inode inode, in AttributeChange change)
    {
        int transfer = 0;
        Errno error = change.UserId is null && change.GroupId is null
            ? Errno.Ok
            : PrepareTransfer(inode, ChargeOf(inode) with
            {
                UserId = change.UserId ?? inode.UserId,
                GroupId = change.GroupId ?? inode.GroupId,
            }, change.MayUseReserve, out transfer);
        Handle handle = null!;
        error = error == Errno.Ok ? Journal!.TryStart(Inodes.StoreCredits + transfer, out handle) : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            Timestamp now = Writing!.Now();
            bool hasExtra = inode.ExtraSizeBytes >= InodeExtraRecord.ChangeTimeEnd;
            ApplyOwner(inode, in change);
            if (change.Permissions is ushort permissions)
            {
                inode.Mode = (ushort)((inode.Mode & ~ChangeableBits) | (permissions & ChangeableBits));
            }
            inode.AccessTime = change.AccessTime.Apply(inode.AccessTime, now, hasExtra);
            inode.ModificationTime = change.ModificationTime.Apply(inode.ModificationTime, now, hasExtra);
            bool keepsChangeTime = change.ChangeTime.IsSet || (change.IsDelegated && inode.IsRegular);
            inode.ChangeTime = (keepsChangeTime ? change.ChangeTime : TimeChange.ToNow)
                .Apply(inode.ChangeTime, now, hasExtra);
            inode.Version = unchecked(inode.Version + 1);
            Inodes.Store(handle, inode);
            handle.Complete();
        }
        return Errno.Ok;
    }

    /// <summary>What an inode counts as, its attributes with values in inodes included: which takes reading them, so
    /// that is done only before it changes hands.</summary>
    private InodeCharge ChargeOf(Inode inode)
    {
        if (Inodes.Accounts is not null && Context.Geometry.Has(IncompatFeatures.XattrInodes))
        {
            AttributeWriter!.Finish(AttributeWriter.Begin(inode));
        }
        return InodeCharge.Of(inode);
    }

    /// <summary>An inode is about to get other owners.</summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="after">As it is to be counted.</param>
    /// <param name="isPrivileged">No limit holds.</param>
    /// <param name="credits">What storing it takes beyond the usual.</param>
    private Errno PrepareTransfer(Inode inode, in InodeCharge after, bool isPrivileged, out int credits)
    {
        credits = 0;
        if (Inodes.Accounts is not { } accounts)
        {
            return Errno.Ok;
        }
        credits = accounts.TransferCredits;
        Errno error = accounts.CheckTransfer(InodeCharge.Of(inode), in after, isPrivileged);
        return error == Errno.Ok ? accounts.Prepare(in after) : error;
    }

    /// <summary>A new owner does not inherit the right to act as the old one. Kernel: chown_common,
    /// setattr_should_drop_sgid.</summary>
    private static void ApplyOwner(Inode inode, in AttributeChange change)
    {
        bool isChown = change.UserId is not null || change.GroupId is not null;
        inode.UserId = change.UserId ?? inode.UserId;
        inode.GroupId = change.GroupId ?? inode.GroupId;
        if (isChown && !inode.IsDirectory && !(change.IsDelegated && inode.IsRegular))
        {
            int killed = SetUserIdBit | ((inode.Mode & GroupExecuteBit) != 0 ? SetGroupIdBit : 0);
            inode.Mode = (ushort)(inode.Mode & ~killed);
        }
    }
}

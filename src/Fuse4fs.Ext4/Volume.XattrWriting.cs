using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>Changing extended attributes.</content>
public sealed partial class Volume
{
    /// <summary>Sets and removes attributes; null on a volume opened read-only.</summary>
    internal AttributeEditor? AttributeEditor { get; private set; }

    /// <summary>Changes attribute areas; null on a volume opened read-only.</summary>
    private XattrWriter? AttributeWriter { get; set; }

    /// <summary>Sets an extended attribute.</summary>
    /// <param name="number">Whose.</param>
    /// <param name="fullName">With prefix, as in "user.comment".</param>
    /// <param name="value">The value; POSIX ACLs in the form of setxattr(2).</param>
    /// <param name="flags">Whether it must, or must not, exist.</param>
    /// <param name="caller">May take a block for it.</param>
    /// <returns>Ok, Exists, NoData, NoSpace, Range for a name too long, ArgumentListTooLong for a value too long,
    /// NotSupported for a name space ext4 lacks, Invalid for an impossible name or ACL, AccessDenied for a default ACL
    /// of something else than a directory, NotPermitted for immutable and append-only inodes, Stale,
    /// ReadOnly.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno SetXattr(
        InodeNumber number,
        ReadOnlySpan<byte> fullName,
        ReadOnlySpan<byte> value,
        XattrFlags flags,
        in Caller caller)
    {
        Errno error = OpenForAttributes(number, fullName, out XattrName name, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        XattrChange change;
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            change = new XattrChange(reference.Inode.Mode, Naming!.Now(), Naming.ClaimOf(caller));
            error = CheckAttributesWritable(reference.Inode);
            if (error == Errno.Ok)
            {
                error = name.IsAcl
                    ? SetAcl(reference.Inode, name, value, flags, change)
                    : AttributeEditor!.Set(reference.Inode, name, value, flags, change);
            }
        }
        RemoveValues(change);
        return error;
    }

    /// <summary>Removes an extended attribute.</summary>
    /// <param name="number">Whose.</param>
    /// <param name="fullName">With prefix.</param>
    /// <returns>Ok, NoData when it has none of that name (for ACLs that is Ok), else as <see
    /// cref="SetXattr"/>.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno RemoveXattr(InodeNumber number, ReadOnlySpan<byte> fullName)
    {
        Errno error = OpenForAttributes(number, fullName, out XattrName name, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        XattrChange change;
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            change = new XattrChange(reference.Inode.Mode, Naming!.Now(), Naming.ClaimOf(default));
            error = CheckAttributesWritable(reference.Inode);
            error = error == Errno.Ok ? AttributeEditor!.Remove(reference.Inode, name, change) : error;
        }
        RemoveValues(change);
        return error == Errno.NoData && name.IsAcl ? Errno.Ok : error;
    }

    /// <summary>Takes away what lets a file's program do more than its caller may, as every change of contents or owner
    /// must. The inode's lock is held exclusively, no handle is open.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="keepsTimes">The change time stays.</param>
    /// <returns>Ok, also when there was nothing; ReadOnly for an aborted journal.</returns>
    internal Errno DropCapability(Inode inode, bool keepsTimes)
    {
        if (inode.HasNoCapability)
        {
            return Errno.Ok;
        }
        Errno error = Xattrs.Get(inode, XattrName.Capability, default, out _);
        if (error == Errno.Ok)
        {
            Timestamp time = keepsTimes ? inode.ChangeTime : Naming!.Now();
            var change = new XattrChange(inode.Mode, time, Naming!.ClaimOf(default));
            error = AttributeEditor!.Remove(inode, XattrName.Capability, change);
            PostValues(change);
        }
        if (error is Errno.Ok or Errno.NoData)
        {
            inode.HasNoCapability = true;
            return Errno.Ok;
        }
        return error;
    }

    /// <summary>As <see cref="DropCapability"/>, without a lock held.</summary>
    private Errno LockAndDropCapability(Inode inode, in WriteOptions options)
    {
        if (inode.HasNoCapability)
        {
            return Errno.Ok;
        }
        using (inode.Lock.Exclusive())
        {
            return DropCapability(inode, !options.MovesTimes);
        }
    }

    /// <summary>Gives the access ACL the permissions of a new mode, as chmod(2) must. The inode's lock is held
    /// exclusively, no handle is open; the mode is changed and stored along with it.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="mode">The new mode, kind included.</param>
    /// <param name="isChanged">False when there is no ACL: the caller then changes the mode himself.</param>
    /// <returns>Ok, NoSpace, ReadOnly for an aborted journal, Invalid for an impossible ACL on disk.</returns>
    internal Errno ChangeModeWithAcl(Inode inode, ushort mode, out bool isChanged)
    {
        isChanged = false;
        Errno error = Xattrs.GetAcl(inode, XattrName.AclAccess, out AccessControlList? list);
        if (error != Errno.Ok || list is null)
        {
            return error;
        }
        var change = new XattrChange(mode, Naming!.Now(), Naming.ClaimOf(default));
        error = AttributeEditor!.Set(
            inode, XattrName.AclAccess, list.ChangeMode(mode).ToDisk(), XattrFlags.None, change);
        PostValues(change);
        isChanged = error == Errno.Ok;
        return error;
    }

    private Errno OpenForAttributes(
        InodeNumber number, ReadOnlySpan<byte> fullName, out XattrName name, out InodeReference reference)
    {
        name = default;
        reference = default;
        if (AttributeEditor is null || IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        Errno error = XattrName.TryParse(fullName, out name);
        return error == Errno.Ok ? Inodes.Acquire(number, InodeAccess.EvenUnlinked, out reference) : error;
    }

    private static Errno CheckAttributesWritable(Inode inode) =>
        inode.Has(InodeFlags.Immutable | InodeFlags.AppendOnly) ? Errno.NotPermitted : Errno.Ok;

    /// <summary>An access ACL that says no more than permission bits do is not stored. Kernel: posix_acl_update_mode.
    /// </summary>
    private Errno SetAcl(
        Inode inode, XattrName name, ReadOnlySpan<byte> value, XattrFlags flags, XattrChange change)
    {
        Errno error = AccessControlList.TryDecode(value, isWire: true, out AccessControlList? list);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (inode.Kind == FileKind.Symlink)
        {
            return Errno.NotSupported;
        }
        if (name.Index == XattrIndex.AclDefault && !inode.IsDirectory)
        {
            return list is null ? Errno.Ok : Errno.AccessDenied;
        }
        if (name.Index == XattrIndex.AclAccess && list is not null)
        {
            ushort mode = list.ApplyTo(inode.Mode, out bool isNeeded);
            if ((flags & XattrFlags.DropSetGroupId) != 0)
            {
                mode = (ushort)(mode & ~InodeFactory.SetGroupId);
            }
            change = change with { Mode = mode };
            list = isNeeded ? list : null;
        }
        if (list is not null)
        {
            return AttributeEditor!.Set(inode, name, list.ToDisk(), XattrFlags.None, change);
        }
        error = AttributeEditor!.Remove(inode, name, change);
        return error == Errno.NoData ? AttributeEditor.ChangeMode(inode, change) : error;
    }

    /// <summary>Gives an inode that has fewer fields than the volume wants the missing ones, if attributes are in their
    /// way: these move to its block. Where storing the inode can make room it does so without this. The inode's lock is held
    /// exclusively.</summary>
    /// <remarks>Nothing depends on it, so it is tried once. Kernel: ext4_expand_extra_isize_ea.</remarks>
    private void GrowFields(Inode inode)
    {
        if (inode.ExtraSizeBytes >= Inodes.WantedExtraSizeBytes || inode.HasTriedToGrow || !inode.HasXattrArea)
        {
            return;
        }
        inode.HasTriedToGrow = true;
        var change = new XattrChange(inode.Mode, inode.ChangeTime, Naming!.ClaimOf(default));
        try
        {
            Errno error = AttributeEditor!.Grow(inode, Inodes.WantedExtraSizeBytes, change);
            if (error == Errno.NoSpace && inode.ExtraSizeBytes < Inodes.NeededExtraSizeBytes)
            {
                _ = AttributeEditor.Grow(inode, Inodes.NeededExtraSizeBytes, change);
            }
        }
        catch (Ext4CorruptException)
        {
            // The attributes stay as they are: whoever reads them is told.
        }
        PostValues(change);
    }

    /// <summary>As <see cref="RemoveValues"/>, while locks are held.</summary>
    private void PostValues(XattrChange change)
    {
        foreach (InodeNumber value in change.Orphaned)
        {
            Space!.Background.Post(new Removal(this, value, isValue: true), isUrgent: true);
        }
    }

    private void RemoveValues(XattrChange change)
    {
        foreach (InodeNumber value in change.Orphaned)
        {
            RemoveInSlices(new Removal(this, value, isValue: true));
        }
    }
}

using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Sets and removes extended attributes, each in a transaction of its own. Needs the inode's lock exclusively
/// and no handle open. Kernel: ext4_xattr_set_handle.</summary>
internal sealed class AttributeEditor(
    InodeTable inodes, XattrReader reader, XattrWriter writer, ValueInodes values, OrphanList orphans, Journal journal)
{
    /// <summary>XATTR_SIZE_MAX.</summary>
    public const int MaximumValueBytes = 65536;

    /// <summary>Sets an attribute's stored value.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="name">Which.</param>
    /// <param name="value">At most <see cref="MaximumValueBytes"/>.</param>
    /// <param name="flags">Whether it must, or must not, exist.</param>
    /// <param name="change">What changes along with it.</param>
    /// <returns>Ok, Exists, NoData, NoSpace, QuotaExceeded, ArgumentListTooLong, ReadOnly for an aborted
    /// journal.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public Errno Set(
        Inode inode, XattrName name, ReadOnlySpan<byte> value, XattrFlags flags, XattrChange change)
    {
        if (value.Length > MaximumValueBytes)
        {
            return Errno.ArgumentListTooLong;
        }
        XattrEdit edit = writer.Begin(inode);
        try
        {
            bool exists = edit.TryFind(name, out _, out _);
            if (exists && (flags & XattrFlags.Create) != 0)
            {
                return Errno.Exists;
            }
            if (!exists && (flags & XattrFlags.Replace) != 0)
            {
                return Errno.NoData;
            }
            inode.HasNoCapability = false;
            Errno error = values.IsLarge(value) ? Errno.NoSpace : edit.Set(name, value);
            if (error == Errno.NoSpace && values.IsSupported && !value.IsEmpty)
            {
                return SetInInode(edit, name, value, change);
            }
            return error == Errno.Ok ? Commit(edit, change) : error;
        }
        finally
        {
            writer.Finish(edit);
        }
    }

    /// <summary>Removes an attribute.</summary>
    /// <returns>Ok, NoData when there is none, ReadOnly for an aborted journal.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public Errno Remove(Inode inode, XattrName name, XattrChange change)
    {
        XattrEdit edit = writer.Begin(inode);
        try
        {
            Errno error = edit.Remove(name);
            return error == Errno.Ok ? Commit(edit, change) : error;
        }
        finally
        {
            writer.Finish(edit);
        }
    }

    /// <summary>Leaves more of an inode to its fields; attributes move to its block.</summary>
    /// <returns>Ok, NoSpace, QuotaExceeded, ReadOnly for an aborted journal.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public Errno Grow(Inode inode, int extraSizeBytes, XattrChange change)
    {
        XattrEdit edit = writer.Begin(inode);
        try
        {
            return edit.TryShortenTail(extraSizeBytes) ? Commit(edit, change) : Errno.NoSpace;
        }
        finally
        {
            writer.Finish(edit);
        }
    }

    /// <summary>Changes the mode alone.</summary>
    /// <returns>Ok, or ReadOnly for an aborted journal.</returns>
    public Errno ChangeMode(Inode inode, XattrChange change)
    {
        XattrEdit edit = writer.Begin(inode);
        try
        {
            return Commit(edit, change);
        }
        finally
        {
            writer.Finish(edit);
        }
    }

    private Errno SetInInode(XattrEdit edit, XattrName name, ReadOnlySpan<byte> value, XattrChange change)
    {
        Errno limited = CheckQuota(edit.Inode, value.Length, change.Claim);
        if (limited != Errno.Ok)
        {
            return limited;
        }
        uint checksum = values.ChecksumOf(value);
        if (values.TryFind(checksum, out InodeReference known))
        {
            using (known)
            using (known.Inode.Lock.Shared())
            {
                if (values.IsHolder(edit.Inode, known.Inode, value))
                {
                    Errno error = edit.SetInInode(name, known.Inode.Number, value.Length, checksum);
                    return error == Errno.Ok ? Commit(edit, change) : error;
                }
            }
        }
        return SetInNewInode(edit, name, value, checksum, change);
    }

    /// <summary>A value in an inode counts for everyone who has it, also where it is shared.</summary>
    private Errno CheckQuota(Inode inode, int valueBytes, SpaceClaim claim)
    {
        if (inodes.Accounts is not { } accounts)
        {
            return Errno.Ok;
        }
        InodeCharge charge = InodeCharge.Of(inode);
        uint clusters = values.ClustersOf(valueBytes);
        return accounts.LimitSpace(inode, clusters, claim.IsPrivileged()) < clusters
            ? Errno.QuotaExceeded
            : accounts.CheckNew(in charge, claim.IsPrivileged());
    }

    private Errno SetInNewInode(
        XattrEdit edit, XattrName name, ReadOnlySpan<byte> value, uint checksum, XattrChange change)
    {
        Errno error = values.Create(
            edit.Inode, value, checksum, change.Claim, out InodeReference created, out bool isCreated);
        using (created)
        {
            error = error == Errno.Ok
                ? edit.SetInInode(name, created.Inode.Number, value.Length, checksum)
                : error;
            error = error == Errno.Ok ? Commit(edit, change) : error;
            if (error == Errno.Ok)
            {
                values.Remember(created.Inode, checksum);
            }
            else if (isCreated)
            {
                change.Orphaned.Add(created.Inode.Number);
            }
        }
        return error;
    }

    private Errno Commit(XattrEdit edit, XattrChange change)
    {
        Inode inode = edit.Inode;
        if (!edit.IsChanged && change.Mode == inode.Mode)
        {
            return Errno.Ok;
        }
        Errno error = writer.Reserve(edit, change.Claim);
        if (error != Errno.Ok)
        {
            return error;
        }
        using var references = new ValueReferences(inodes, orphans, reader);
        Plan(edit, references);
        error = journal.TryStart(
            writer.Credits(edit) + references.Credits + inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            writer.Apply(handle, edit);
            references.Apply(handle, edit.IsBlockWritten, edit.IsOldBlockGone);
            inode.Mode = change.Mode;
            inode.ChangeTime = change.Now;
            inode.Version = unchecked(inode.Version + 1);
            inodes.Store(handle, inode);
            handle.Complete();
        }
        change.Orphaned.AddRange(references.Orphaned);
        return Errno.Ok;
    }

    private static void Plan(XattrEdit edit, ValueReferences references)
    {
        if (edit.IsTailChanged)
        {
            edit.OldTailValues.ForEach(value => references.Add(value, -1));
            edit.ValuesInTail().ForEach(value => references.Add(value, 1));
        }
        if (edit.IsBlockChanged)
        {
            edit.OldBlockValues.ForEach(references.DropIfGone);
            edit.ValuesInBlock().ForEach(references.AddIfWritten);
        }
    }
}

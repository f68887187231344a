using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Sets and removes extended attributes, each in a transaction of its own. Needs the inode's lock exclusively
/// and no handle open. Kernel: ext4_xattr_set_handle.</summary>
internal sealed class AttributeEditor(
    InodeTable inodes, XattrReader reader, XattrWriter writer, OrphanList orphans, Journal journal)
{
    /// <summary>XATTR_SIZE_MAX.</summary>
    public const int MaximumValueBytes = 65536;

    /// <summary>Sets an attribute's stored value.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="name">Which.</param>
    /// <param name="value">At most <see cref="MaximumValueBytes"/>.</param>
    /// <param name="flags">Whether it must, or must not, exist.</param>
    /// <param name="change">What changes along with it.</param>
    /// <returns>Ok, Exists, NoData, NoSpace, ArgumentListTooLong, ReadOnly for an aborted journal.</returns>
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
            Errno error = edit.Set(name, value);
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
        using var values = new ValueReferences(inodes, orphans, reader.SharedBlocks);
        Plan(edit, values);
        error = journal.TryStart(
            writer.Credits(edit) + values.Credits + inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            bool isOldBlockFreed = writer.Apply(handle, edit);
            values.Apply(handle, isOldBlockFreed && edit.IsShared);
            inode.Mode = change.Mode;
            inode.ChangeTime = change.Now;
            inode.Version = unchecked(inode.Version + 1);
            inodes.Store(handle, inode);
            handle.Complete();
        }
        change.Orphaned.AddRange(values.Orphaned);
        return Errno.Ok;
    }

    /// <summary>The copy of a shared block refers to the same values once more.</summary>
    private static void Plan(XattrEdit edit, ValueReferences values)
    {
        foreach (InodeNumber value in edit.DroppedValues)
        {
            values.Add(value, -1);
        }
        if (!edit.IsBlockChanged || !edit.IsShared)
        {
            return;
        }
        foreach (InodeNumber value in edit.ValuesInBlock())
        {
            values.Add(value, 1);
        }
        foreach (InodeNumber value in edit.OldBlockValues)
        {
            values.AddOfOldBlock(value);
        }
    }
}

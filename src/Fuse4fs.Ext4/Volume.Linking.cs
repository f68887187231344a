using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Gives a file another name.</summary>
    /// <param name="number">No directory. One without links only when <see cref="TemporaryFile"/> made it.</param>
    /// <param name="parent">The directory of the new name.</param>
    /// <param name="name">1 to 255 bytes.</param>
    /// <param name="caller">May take blocks for the directory.</param>
    /// <param name="attributes">Of the file.</param>
    /// <returns>As <see cref="Create"/>; NotPermitted also for directories, immutable and append-only files,
    /// TooManyLinks beyond 65,000, CrossDevice where the directory belongs to another project, Stale for an inode not
    /// in use.</returns>
    /// <exception cref="Ext4CorruptException">The directory or the inode is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno Link(
        InodeNumber number,
        InodeNumber parent,
        ReadOnlySpan<byte> name,
        in Caller caller,
        out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = OpenForNaming(parent, name, out InodeReference directory);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (directory)
        {
            error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference target);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (target)
            {
                if (target.Inode.IsDirectory)
                {
                    return Errno.NotPermitted;
                }
                using (new InodeLocks(directory.Inode, target.Inode))
                {
                    error = CheckNewName(directory.Inode, name);
                    error = error == Errno.Ok ? CheckLink(directory.Inode, target.Inode) : error;
                    error = error == Errno.Ok ? LinkLocked(directory.Inode, name, target.Inode, caller) : error;
                    attributes = AttributesOf(target.Inode);
                }
            }
            return error == Errno.Ok ? SyncDirectory(directory.Inode) : error;
        }
    }

    /// <summary>Removes a name of something that is no directory.</summary>
    /// <returns>Ok, NoEntry, IsDirectory, NotPermitted for immutable and append-only files and directories,
    /// NotDirectory, NameTooLong, Invalid, ReadOnly.</returns>
    /// <exception cref="Ext4CorruptException">The directory or the inode is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    /// <remarks>The inode is freed with its last name, or when nobody retains it any more.</remarks>
    public Errno Unlink(InodeNumber parent, ReadOnlySpan<byte> name) => RemoveName(parent, name, isDirectory: false);

    /// <summary>Removes an empty directory.</summary>
    /// <returns>As <see cref="Unlink"/>; NotEmpty, NotDirectory for anything else, Invalid for ".".</returns>
    /// <exception cref="Ext4CorruptException">A directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno RemoveDirectory(InodeNumber parent, ReadOnlySpan<byte> name) =>
        RemoveName(parent, name, isDirectory: true);

    /// <summary>Creates a regular file without a name. It is freed when nobody retains it any more, unless
    /// <see cref="Link"/> names it.</summary>
    /// <param name="parent">The directory whose properties it inherits.</param>
    /// <param name="permissions">Permission bits.</param>
    /// <param name="caller">Its owner; must retain what is created.</param>
    /// <param name="attributes">Of the new file.</param>
    /// <returns>As <see cref="Create"/>.</returns>
    /// <exception cref="Ext4CorruptException">The directory is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno TemporaryFile(
        InodeNumber parent, ushort permissions, in Caller caller, out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = OpenForNaming(parent, "."u8, out InodeReference directory);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (directory)
        using (directory.Inode.Lock.Exclusive())
        {
            if (directory.Inode.LinkCount == 0)
            {
                return Errno.NoEntry;
            }
            if (directory.Inode.Has(InodeFlags.Encrypted))
            {
                return Errno.NoKey;
            }
            var mode = (ushort)((ushort)FileKind.Regular | (permissions & PermissionMask));
            return MakeTemporary(directory.Inode, new NewNode(mode, default, default), caller, out attributes);
        }
    }

    private Errno MakeTemporary(Inode directory, NewNode node, in Caller caller, out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = Maker!.Prepare(directory, node, caller, out NodeBirth? birth);
        using (birth)
        {
            if (error != Errno.Ok)
            {
                return error;
            }
            error = Journal!.TryStart(birth!.Credits + OrphanList.AddCredits, out Handle handle);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                if (caller.Retains)
                {
                    // Before anybody can take it for an orphan that nobody wants.
                    Retain(birth.Inode.Number);
                }
                Orphans!.Add(handle, birth.Inode);
                birth.Inode.IsTemporary = true;
                birth.Apply(handle, default, linkCount: 0);
                handle.Complete();
            }
            attributes = AttributesOf(birth.Inode);
            return Errno.Ok;
        }
    }

    private static Errno CheckLink(Inode directory, Inode target)
    {
        if (target.LinkCount == 0 && !target.IsTemporary)
        {
            return Errno.NoEntry;
        }
        if (target.LinkCount >= DirectoryLinks.Maximum)
        {
            return Errno.TooManyLinks;
        }
        if (target.Has(InodeFlags.Immutable | InodeFlags.AppendOnly))
        {
            return Errno.NotPermitted;
        }
        return IsForeignProject(directory, target) ? Errno.CrossDevice : Errno.Ok;
    }

    private static bool IsForeignProject(Inode directory, Inode inode) =>
        directory.Has(InodeFlags.ProjectInherit) && directory.ProjectId != inode.ProjectId;

    private Errno LinkLocked(Inode directory, ReadOnlySpan<byte> name, Inode target, in Caller caller)
    {
        var plan = default(InsertPlan);
        BlockAddition? growth = null;
        try
        {
            Errno error = Naming!.Editor.PrepareInsert(directory, name, Naming.ClaimOf(caller), ref plan, out growth);
            if (error != Errno.Ok)
            {
                return error;
            }
            int credits = Naming.Editor.InsertCredits(ref plan, growth) + Inodes.StoreCredits + OrphanList.AddCredits;
            error = Journal!.TryStart(credits, out Handle handle);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                Timestamp now = Naming.Now();
                Naming.Editor.Insert(handle, directory, ref plan, growth, name, target);
                if (target.LinkCount++ == 0)
                {
                    Orphans!.Remove(handle, target);
                    target.IsTemporary = false;
                }
                target.ChangeTime = now;
                NameServices.Touch(directory, now);
                Inodes.Store(handle, target);
                Inodes.Store(handle, directory);
                handle.Complete();
            }
            if (caller.Retains)
            {
                Retain(target.Number);
            }
            return Errno.Ok;
        }
        finally
        {
            growth?.Dispose();
            plan.Dispose();
        }
    }

    private Errno RemoveName(InodeNumber parentNumber, ReadOnlySpan<byte> name, bool isDirectory)
    {
        Errno error = OpenForNaming(parentNumber, name, out InodeReference parent);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (parent)
        {
            InodeReference child = default;
            InodeNumber orphan;
            try
            {
                while (!TryRemoveName(parent.Inode, name, isDirectory, ref child, out error, out orphan))
                {
                }
            }
            finally
            {
                child.Dispose();
            }
            RemoveIfOrphaned(orphan);
            return error == Errno.Ok ? SyncDirectory(parent.Inode) : error;
        }
    }

    /// <param name="parent">Where the name is.</param>
    /// <param name="name">Which.</param>
    /// <param name="isDirectory">What it is to be.</param>
    /// <param name="child">What it referred to at the last try, locked with the directory; afterwards what it refers
    /// to.</param>
    /// <param name="error">The outcome.</param>
    /// <param name="orphan">The inode, when it has no links any more.</param>
    /// <returns>False when that inode is locked by somebody else, and this has to be tried again.</returns>
    private bool TryRemoveName(
        Inode parent, ReadOnlySpan<byte> name, bool isDirectory, ref InodeReference child, out Errno error,
        out InodeNumber orphan)
    {
        orphan = InodeNumber.None;
        InodeReference found = default;
        var locks = new InodeLocks(parent, child.Inode);
        try
        {
            error = CheckRemovable(parent, name, isDirectory);
            EntryPlace place = default;
            error = error == Errno.Ok ? FindForRemoval(parent, name, out place, out found) : error;
            if (error != Errno.Ok)
            {
                return true;
            }
            if (!locks.TryAdd(found.Inode))
            {
                return false;
            }
            CheckLinked(parent, found.Inode);
            error = CheckKind(found.Inode, isDirectory);
            error = error == Errno.Ok ? RemoveLocked(parent, place, found.Inode) : error;
            if (error == Errno.Ok && found.Inode.LinkCount == 0)
            {
                orphan = found.Inode.Number;
            }
            return true;
        }
        finally
        {
            locks.Dispose();
            child.Dispose();
            child = found;
        }
    }

    /// <summary>What an entry refers to has a link at least. Checked when it is locked: an image with too small a count
    /// may have more names to remove than links.</summary>
    private static void CheckLinked(Inode parent, Inode child)
    {
        if (child.LinkCount == 0 || child.IsDetached)
        {
            throw new Ext4CorruptException(Corruption.InodeFree,
                $"directory {parent.Number}: an entry for inode {child.Number}, which has no links")
            {
                Inode = parent.Number,
            };
        }
    }

    private static Errno CheckRemovable(Inode parent, ReadOnlySpan<byte> name, bool isDirectory)
    {
        if (parent.LinkCount == 0)
        {
            return Errno.NoEntry;
        }
        if (!DirectoryRecord.IsDotName(name))
        {
            return Errno.Ok;
        }
        return !isDirectory ? Errno.IsDirectory : name.Length == 1 ? Errno.Invalid : Errno.NotEmpty;
    }

    private Errno CheckKind(Inode child, bool isDirectory)
    {
        if (child.IsDirectory != isDirectory)
        {
            return isDirectory ? Errno.NotDirectory : Errno.IsDirectory;
        }
        return isDirectory && !Naming!.Editor.Writer.IsEmpty(child) ? Errno.NotEmpty : Errno.Ok;
    }

    private Errno RemoveLocked(Inode parent, EntryPlace place, Inode child)
    {
        using BlockLease held = Naming!.Editor.Hold(parent, place);
        int credits = Naming.Editor.ChangeCredits + Inodes.StoreCredits + OrphanList.AddCredits;
        Errno error = Journal!.TryStart(credits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            Timestamp now = Naming.Now();
            Naming.Editor.Remove(handle, parent, place);
            Naming.DropLink(handle, child, now);
            DirectoryLinks.Change(parent, child.IsDirectory ? -1 : 0);
            NameServices.Touch(parent, now);
            Inodes.Store(handle, child);
            Inodes.Store(handle, parent);
            handle.Complete();
            return Errno.Ok;
        }
    }
}

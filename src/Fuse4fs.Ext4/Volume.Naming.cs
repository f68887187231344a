using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>What all changes of names have in common.</content>
public sealed partial class Volume
{
    private const int PermissionMask = 0xFFF;

    /// <summary>What changing names needs; null on a volume opened read-only.</summary>
    private NameServices? Naming { get; set; }

    private NodeMaker? Maker { get; set; }

    private void StartNaming()
    {
        if (Writing is null || Space is null || Journal is null || Orphans is null)
        {
            return;
        }
        Superblock super = Context.CopySuperblock();
        var editor = new DirectoryEditor(
            Context, Directories, Inodes, Map, Writing.Maps, Writing.Holes, Space.Blocks, AttributeWriter!, Journal);
        Naming = new NameServices(
            Context,
            Inodes,
            Writing.Maps,
            Writing.Holes,
            Space,
            Journal,
            Orphans,
            Directories,
            editor,
            Xattrs,
            AttributeWriter!,
            _options.ReservedUserId ?? super.ReservedUserId,
            _options.ReservedGroupId ?? super.ReservedGroupId,
            _options.GroupOfDirectory ?? HasDefault(in super, DefaultMountOptions.GroupOfDirectory));
        Maker = new NodeMaker(Naming);
        var values = new ValueInodes(
            Context, Inodes, Writing.Maps, Writing.Holes, Space, Orphans, Xattrs, Journal);
        AttributeEditor = new AttributeEditor(Inodes, Xattrs, Naming.AttributeWriter, values, Orphans, Journal);
    }

    /// <summary>Refers to a directory whose names are to change.</summary>
    private Errno OpenForNaming(InodeNumber number, ReadOnlySpan<byte> name, out InodeReference directory)
    {
        directory = default;
        if (Naming is null || IsReadOnly)
        {
            return Errno.ReadOnly;
        }
        if (name.Length > DirectoryFinder.MaximumNameBytes)
        {
            return Errno.NameTooLong;
        }
        return name.IsEmpty || name.ContainsAny((byte)0, (byte)'/')
            ? Errno.Invalid
            : OpenDirectory(number, out directory);
    }

    /// <summary>Whether a name can be added to a directory. Its lock is held.</summary>
    private Errno CheckNewName(Inode directory, ReadOnlySpan<byte> name)
    {
        if (directory.LinkCount == 0)
        {
            return Errno.NoEntry;
        }
        if (DirectoryRecord.IsDotName(name))
        {
            return Errno.Exists;
        }
        if (directory.Has(InodeFlags.Encrypted))
        {
            return Errno.NoKey;
        }
        Errno error = Directories.Find(directory, name, out _);
        if (error != Errno.NoEntry)
        {
            return error == Errno.Ok ? Errno.Exists : error;
        }
        return directory.Has(InodeFlags.Immutable) ? Errno.NotPermitted : Errno.Ok;
    }

    /// <summary>Finds a name that is to be removed or replaced, and refers to its inode. The directory's lock is held.
    /// </summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Which.</param>
    /// <param name="place">Where it is.</param>
    /// <param name="child">To be disposed; valid only with Ok.</param>
    private Errno FindForRemoval(
        Inode directory, ReadOnlySpan<byte> name, out EntryPlace place, out InodeReference child)
    {
        child = default;
        Errno error = Directories.Find(directory, name, out place);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (place.Inode == directory.Number)
        {
            Ext4CorruptException.Throw(Corruption.DirectoryName, $"directory {directory.Number}: an entry for itself");
        }
        if (Inodes.Acquire(place.Inode, out child) != Errno.Ok)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeFree, $"directory {directory.Number}: an entry for inode {place.Inode}, not in use");
        }
        const InodeFlags unchangeable = InodeFlags.Immutable | InodeFlags.AppendOnly;
        if (directory.Has(unchangeable) || child.Inode.Has(unchangeable))
        {
            child.Dispose();
            child = default;
            return Errno.NotPermitted;
        }
        return Errno.Ok;
    }

    /// <summary>A change of a directory that must be durable before it is answered: dirsync, or sync.</summary>
    private Errno SyncDirectory(Inode directory) => directory.Has(InodeFlags.DirectorySync | InodeFlags.Synchronous)
        ? Journal!.CommitAndWait(directory.LastTransaction)
        : Errno.Ok;

    private void RemoveIfOrphaned(InodeNumber number)
    {
        if (number != InodeNumber.None)
        {
            RemoveIfUnused(number);
        }
    }
}

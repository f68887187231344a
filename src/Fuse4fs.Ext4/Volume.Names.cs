using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Names and listings of directories.</summary>
    internal DirectoryReader Directories { get; }

    /// <summary>Finds a name in a directory.</summary>
    /// <param name="directory">The directory's number.</param>
    /// <param name="name">Any bytes but NUL and '/'; "." and ".." are found too.</param>
    /// <param name="child">Valid only with Ok.</param>
    /// <returns>Ok, NoEntry, NotDirectory, NameTooLong, Stale for a directory not in use, or Invalid for a name that a
    /// strict casefolded directory refuses.</returns>
    /// <exception cref="Ext4CorruptException">A block on the search path is damaged, or the entry is.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    /// <remarks>Docs: ext4/directory. Takes the directory's lock shared.</remarks>
    public Errno Lookup(InodeNumber directory, ReadOnlySpan<byte> name, out InodeNumber child)
    {
        child = default;
        Errno error = OpenDirectory(directory, out InodeReference parent);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (parent)
        using (parent.Inode.Lock.Shared())
        {
            error = FindChild(parent.Inode, name, out child);
            return error;
        }
    }

    /// <summary>Finds a name in a directory, with the attributes of what it refers to.</summary>
    /// <param name="directory">The directory's number.</param>
    /// <param name="name">Any bytes but NUL and '/'; "." and ".." are found too.</param>
    /// <param name="attributes">Of the inode found; valid only with Ok.</param>
    /// <returns>As <see cref="Lookup(InodeNumber,ReadOnlySpan{byte},out InodeNumber)"/>.</returns>
    /// <exception cref="Ext4CorruptException">A block on the search path, the entry or its inode is
    /// damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno Lookup(InodeNumber directory, ReadOnlySpan<byte> name, out InodeAttributes attributes) =>
        FindWithAttributes(directory, name, retains: false, out attributes);

    /// <summary>As <see cref="Lookup(InodeNumber,ReadOnlySpan{byte},out InodeAttributes)"/>, and retains what it found
    /// before anybody can remove it.</summary>
    /// <param name="directory">The directory's number.</param>
    /// <param name="name">Any bytes but NUL and '/'; "." and ".." are found too.</param>
    /// <param name="attributes">Of the inode found, retained once; valid only with Ok.</param>
    /// <returns>As <see cref="Lookup(InodeNumber,ReadOnlySpan{byte},out InodeNumber)"/>.</returns>
    /// <exception cref="Ext4CorruptException">A block on the search path, the entry or its inode is
    /// damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno LookupAndRetain(InodeNumber directory, ReadOnlySpan<byte> name, out InodeAttributes attributes) =>
        FindWithAttributes(directory, name, retains: true, out attributes);

    /// <summary>Lists a directory from a cookie on until the sink is full or the directory ends.</summary>
    /// <param name="directory">The directory's number.</param>
    /// <param name="cookie">0 for the start, or one that a sink was given, in this or an earlier mount.</param>
    /// <param name="sink">Takes the entries; must not call back into the volume.</param>
    /// <returns>Ok, NotDirectory, NoEntry for a directory that was removed, Stale for an inode not in use.</returns>
    /// <exception cref="Ext4CorruptException">The next block to be listed is damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno ReadDirectory<TSink>(InodeNumber directory, ulong cookie, ref TSink sink)
        where TSink : IDirectorySink, allows ref struct
    {
        Errno error = OpenDirectory(directory, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Shared())
        {
            if (reference.Inode.LinkCount == 0)
            {
                return Errno.NoEntry;
            }
            Directories.List(reference.Inode, cookie, ref sink);
            return Errno.Ok;
        }
    }

    private Errno FindWithAttributes(
        InodeNumber directory, ReadOnlySpan<byte> name, bool retains, out InodeAttributes attributes)
    {
        attributes = default;
        Errno error = OpenDirectory(directory, out InodeReference parent);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (parent)
        {
            InodeNumber child;
            using (parent.Inode.Lock.Shared())
            {
                error = FindChild(parent.Inode, name, out child);
                if (error != Errno.Ok)
                {
                    return error;
                }
                if (!DirectoryRecord.IsDotName(name))
                {
                    attributes = AttributesOfChild(parent.Inode, child);
                    RetainIf(retains, child);
                    return Errno.Ok;
                }
                RetainIf(retains, child);
            }
            // Of an ancestor, or of the directory itself: its lock comes before the one just given back.
            error = GetAttributes(child, out attributes);
            if (error != Errno.Ok && retains)
            {
                Release(child);
            }
            return error;
        }
    }

    private void RetainIf(bool isWanted, InodeNumber number)
    {
        if (isWanted)
        {
            Retain(number);
        }
    }

    private Errno OpenDirectory(InodeNumber number, out InodeReference directory)
    {
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out directory);
        if (error == Errno.Ok && !directory.Inode.IsDirectory)
        {
            directory.Dispose();
            error = Errno.NotDirectory;
        }
        return error;
    }

    private Errno FindChild(Inode directory, ReadOnlySpan<byte> name, out InodeNumber child)
    {
        Errno error = Directories.Find(directory, name, out EntryPlace place);
        child = place.Inode;
        if (error == Errno.Ok && child == directory.Number && !DirectoryRecord.IsDotName(name))
        {
            Ext4CorruptException.Throw(Corruption.DirectoryName, $"directory {directory.Number}: an entry for itself");
        }
        return error;
    }

    private InodeAttributes AttributesOfChild(Inode directory, InodeNumber child)
    {
        if (Inodes.Acquire(child, out InodeReference reference) != Errno.Ok)
        {
            Ext4CorruptException.Throw(
                Corruption.InodeFree, $"directory {directory.Number}: an entry for inode {child}, which is not in use");
        }
        using (reference)
        using (reference.Inode.Lock.Shared())
        {
            return VisibleAttributesOf(reference.Inode);
        }
    }
}

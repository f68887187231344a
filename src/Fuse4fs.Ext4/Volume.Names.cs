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
            while (true)
            {
                error = FindAndRefer(parent.Inode, name, retains, out InodeReference child);
                if (error != Errno.Ok)
                {
                    return error;
                }
                InodeNumber number = child.Inode.Number;
                using (child)
                using (child.Inode.Lock.Shared())
                {
                    if (!child.Inode.IsDetached)
                    {
                        attributes = VisibleAttributesOf(child.Inode);
                        return Errno.Ok;
                    }
                }
                // Freed since the name was found, which only an image can bring about where it is retained.
                if (retains)
                {
                    Release(number);
                }
            }
        }
    }

    /// <summary>Finds a name and refers to its inode, retaining it where that is wanted. The directory's lock is held only
    /// meanwhile: an entry may name any inode, so nobody may wait for that one's lock while he holds this.</summary>
    private Errno FindAndRefer(
        Inode directory, ReadOnlySpan<byte> name, bool retains, out InodeReference child)
    {
        child = default;
        using (directory.Lock.Shared())
        {
            Errno error = FindChild(directory, name, out InodeNumber number);
            if (error != Errno.Ok)
            {
                return error;
            }
            bool isDot = DirectoryRecord.IsDotName(name);
            error = Inodes.Acquire(number, isDot ? InodeAccess.EvenUnlinked : InodeAccess.File, out child);
            if (error != Errno.Ok)
            {
                return isDot ? error : throw new Ext4CorruptException(Corruption.InodeFree,
                    $"directory {directory.Number}: an entry for inode {number}, which is not in use")
                {
                    Inode = directory.Number,
                };
            }
            if (retains)
            {
                Retain(number);
            }
            return Errno.Ok;
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
}

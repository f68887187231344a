using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Held while something moves between directories: what is above what does not change meanwhile. First in
    /// the lock order.</summary>
    private readonly Lock _renameGate = new();

    /// <summary>Renames, in one transaction.</summary>
    /// <param name="oldParent">Directory of the old name.</param>
    /// <param name="oldName">1 to 255 bytes.</param>
    /// <param name="newParent">Directory of the new name.</param>
    /// <param name="newName">1 to 255 bytes.</param>
    /// <param name="flags">How.</param>
    /// <param name="caller">May take blocks; owns the whiteout.</param>
    /// <returns>Ok; NoEntry, Exists with NoReplace, NotEmpty, IsDirectory, NotDirectory, Invalid for a directory moved
    /// below itself and for impossible flags and names, NotPermitted for immutable and append-only files and
    /// directories, TooManyLinks, CrossDevice between projects, NoSpace, NameTooLong, NoKey, ReadOnly.</returns>
    /// <exception cref="Ext4CorruptException">A directory or an inode is damaged.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    public Errno Rename(
        InodeNumber oldParent,
        ReadOnlySpan<byte> oldName,
        InodeNumber newParent,
        ReadOnlySpan<byte> newName,
        RenameFlags flags,
        in Caller caller)
    {
        const RenameFlags known = RenameFlags.NoReplace | RenameFlags.Exchange | RenameFlags.Whiteout;
        bool isExchange = (flags & RenameFlags.Exchange) != 0;
        if ((flags & ~known) != 0 || (isExchange && flags != RenameFlags.Exchange))
        {
            return Errno.Invalid;
        }
        Errno error = OpenForNaming(oldParent, oldName, out InodeReference from);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (from)
        {
            error = OpenForNaming(newParent, newName, out InodeReference to);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (to)
            {
                if (DirectoryRecord.IsDotName(oldName) || DirectoryRecord.IsDotName(newName))
                {
                    return Errno.Busy;
                }
                var request = new RenameRequest(from.Inode, oldName, to.Inode, newName, flags);
                error = from.Inode == to.Inode
                    ? RenameLocked(request, caller, out InodeNumber orphan)
                    : RenameAcross(request, caller, out orphan);
                RemoveIfOrphaned(orphan);
                error = error == Errno.Ok ? SyncDirectory(from.Inode) : error;
                return error == Errno.Ok ? SyncDirectory(to.Inode) : error;
            }
        }
    }

    private Errno RenameAcross(RenameRequest request, in Caller caller, out InodeNumber orphan)
    {
        lock (_renameGate)
        {
            InodeNumber fromChild = AncestorBelow(request.To, request.From);
            InodeNumber toChild = AncestorBelow(request.From, request.To);
            return RenameLocked(request.Between(fromChild, toChild), caller, out orphan);
        }
    }

    private Errno RenameLocked(RenameRequest request, in Caller caller, out InodeNumber orphan)
    {
        InodeReference moved = default;
        InodeReference target = default;
        try
        {
            Errno error;
            while (!TryRename(request, caller, ref moved, ref target, out error, out orphan))
            {
            }
            return error;
        }
        finally
        {
            moved.Dispose();
            target.Dispose();
        }
    }

    /// <param name="request">What is asked for.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="moved">What the old name referred to at the last try, locked with the directories; afterwards what it
    /// refers to.</param>
    /// <param name="target">The same of the new name; null inside when there is nothing.</param>
    /// <param name="error">The outcome.</param>
    /// <param name="orphan">The replaced inode, when it has no links any more.</param>
    /// <returns>False when one of them is locked by somebody else, and this has to be tried again.</returns>
    private bool TryRename(
        RenameRequest request, in Caller caller, ref InodeReference moved, ref InodeReference target, out Errno error,
        out InodeNumber orphan)
    {
        orphan = InodeNumber.None;
        InodeReference foundMoved = default;
        InodeReference foundTarget = default;
        var locks = new InodeLocks(request.From, request.To, moved.Inode, target.Inode);
        try
        {
            error = FindBoth(request, out EntryPlace oldPlace, out foundMoved, out EntryPlace newPlace, out foundTarget);
            if (error != Errno.Ok || foundTarget.Inode == foundMoved.Inode)
            {
                return true; // two names of one file: nothing to do
            }
            if (!locks.TryAdd(foundMoved.Inode) || !locks.TryAdd(foundTarget.Inode))
            {
                return false;
            }
            error = RenameNow(request, caller, foundMoved.Inode, oldPlace, foundTarget.Inode, newPlace);
            if (error == Errno.Ok && foundTarget.Inode?.LinkCount == 0)
            {
                orphan = foundTarget.Inode.Number;
            }
            return true;
        }
        finally
        {
            locks.Dispose();
            moved.Dispose();
            target.Dispose();
            moved = foundMoved;
            target = foundTarget;
        }
    }

    /// <summary>Both directories are locked.</summary>
    private Errno FindBoth(
        RenameRequest request, out EntryPlace oldPlace, out InodeReference moved, out EntryPlace newPlace,
        out InodeReference target)
    {
        (oldPlace, newPlace, moved, target) = (default, default, default, default);
        if (request.From.LinkCount == 0 || request.To.LinkCount == 0)
        {
            return Errno.NoEntry;
        }
        Errno error = FindForRemoval(request.From, request.OldName, out oldPlace, out moved);
        return error == Errno.Ok ? FindTarget(request, out newPlace, out target) : error;
    }

    /// <summary>What the new name refers to, if anything.</summary>
    private Errno FindTarget(RenameRequest request, out EntryPlace place, out InodeReference target)
    {
        Errno error = FindForRemoval(request.To, request.NewName, out place, out target);
        if (error == Errno.NoEntry && !request.IsExchange)
        {
            error = request.To.Has(InodeFlags.Encrypted) ? Errno.NoKey
                : request.To.Has(InodeFlags.Immutable) ? Errno.NotPermitted : Errno.Ok;
        }
        else if (error is Errno.Ok or Errno.NotPermitted && (request.Flags & RenameFlags.NoReplace) != 0)
        {
            error = Errno.Exists;
        }
        return error;
    }

    /// <summary>All that changes is locked.</summary>
    private Errno RenameNow(
        RenameRequest request, in Caller caller, Inode moved, EntryPlace oldPlace, Inode? target, EntryPlace newPlace)
    {
        CheckLinked(request.From, moved);
        if (target is not null)
        {
            CheckLinked(request.To, target);
        }
        var operation = new RenameOperation(Naming!, Maker!, request, moved, oldPlace, target, newPlace);
        try
        {
            Errno error = operation.CheckTopology();
            if (error == Errno.Ok && (moved == request.To || target == request.From))
            {
                // No tree has that.
                Ext4CorruptException.Throw(
                    Corruption.DirectoryName, $"directory {request.From.Number}: an entry for one above it");
            }
            error = error == Errno.Ok ? operation.Check() : error;
            error = error == Errno.Ok ? operation.Prepare(caller) : error;
            Handle handle = null!;
            error = error == Errno.Ok ? Journal!.TryStart(operation.Credits(), out handle) : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                operation.Apply(handle);
                handle.Complete();
            }
            return Errno.Ok;
        }
        finally
        {
            operation.Dispose();
        }
    }

    /// <summary>Finds out whether one directory is above another. The rename gate is held, no inode's lock
    /// is.</summary>
    /// <returns>The child of the upper one through which the lower one is reached; None when it is not below.</returns>
    /// <exception cref="Ext4CorruptException">The chain of ".." has a loop or leads nowhere.</exception>
    private InodeNumber AncestorBelow(Inode lower, Inode upper)
    {
        InodeNumber at = lower.Number;
        InodeNumber hare = at;
        for (ulong steps = 1; at != InodeNumber.Root; steps++)
        {
            InodeNumber parent = ParentOf(at);
            if (parent == upper.Number)
            {
                return at;
            }
            if (parent == hare)
            {
                Ext4CorruptException.Throw(Corruption.DirectoryName, $"directory {lower.Number}: a loop of parents");
            }
            at = parent;
            if ((steps & (steps - 1)) == 0)
            {
                hare = at;
            }
        }
        return InodeNumber.None;
    }

    private InodeNumber ParentOf(InodeNumber number)
    {
        if (OpenDirectory(number, out InodeReference directory) != Errno.Ok)
        {
            Ext4CorruptException.Throw(Corruption.DirectoryName, $"inode {number}: a parent, and no directory");
        }
        using (directory)
        using (directory.Inode.Lock.Shared())
        {
            if (Directories.Find(directory.Inode, ".."u8, out EntryPlace place) != Errno.Ok)
            {
                Ext4CorruptException.Throw(Corruption.DirectoryName, $"directory {number}: no \"..\"");
            }
            return place.Inode;
        }
    }
}

using Fuse4fs.Ext4.Delegation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>For whoever moves the data of regular files himself, past the volume: where it is, where it may go, and what
/// has become of it. See <see cref="DelegatedFiles"/>.</content>
public sealed partial class Volume
{
    private DelegatedMaps DelegatedMaps { get; }

    private DelegatedFiles? Delegated { get; set; }

    /// <summary>Largest size of a file, bytes; those with a block map may be limited further.</summary>
    public long MaximumFileBytes => Writing?.Maps.Extents.MaximumFileBytes
        ?? (long)Mapping.ExtentNodePlace.FileEnd << Context.Geometry.BlockSizeShift;

    /// <summary>Says where a place of a file is, if that takes no change.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="use">What for.</param>
    /// <param name="offset">First byte wanted.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <param name="mapping">Holds the first byte, if it is done.</param>
    /// <param name="isDone">False with Ok: <see cref="MapDelegated"/> has to make room.</param>
    /// <returns>As that.</returns>
    public Errno TryMapDelegated(InodeNumber number, MappingUse use, long offset, long length,
        out DelegatedMapping mapping, out bool isDone)
    {
        (mapping, isDone) = (default, false);
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            error = offset > long.MaxValue - Math.Max(0, length) ? Errno.Invalid : CheckReadable(held.Inode, offset);
            isDone = error == Errno.Ok && DelegatedMaps.TryMap(held.Inode, use, offset, out mapping);
            return error;
        }
    }

    /// <summary>Whether there is anything of a file that its map and its inode do not say: data on its way.</summary>
    public bool IsDelegatedDirty(InodeNumber number) => Delegated?.Knows(number) == true;

    /// <summary>The stored size of a file.</summary>
    public Errno GetDelegatedSize(InodeNumber number, out long sizeBytes)
    {
        sizeBytes = 0;
        Errno error = Share(number, out SharedInode held);
        if (error == Errno.Ok)
        {
            using (held)
            {
                sizeBytes = held.Inode.SizeBytes;
            }
        }
        return error;
    }

    /// <summary>Says where a place of a file is, and makes room for what will be written there.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="use">What for.</param>
    /// <param name="offset">First byte wanted.</param>
    /// <param name="length">Bytes wanted; the answer may cover fewer, or more.</param>
    /// <param name="mayUseReserve">The writer may take blocks of the superuser's reserve.</param>
    /// <param name="mapping">Holds the first byte.</param>
    /// <returns>NoSpace, QuotaExceeded, FileTooBig, ReadOnly, IsDirectory, Invalid, NoKey, Stale, or Ok.</returns>
    /// <exception cref="Ext4CorruptException">The map is damaged.</exception>
    public Errno MapDelegated(InodeNumber number, MappingUse use, long offset, long length, bool mayUseReserve,
        out DelegatedMapping mapping)
    {
        mapping = default;
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        {
            Inode inode = reference.Inode;
            error = offset > long.MaxValue - Math.Max(0, length) ? Errno.Invalid : CheckReadable(inode, offset);
            if (error != Errno.Ok)
            {
                return error;
            }
            if (Delegated is null || Context.IsReadOnly)
            {
                return Errno.ReadOnly;
            }
            var options = new WriteOptions { MayUseReserve = mayUseReserve, IsDelegated = true };
            using (inode.Lock.Exclusive())
            {
                return Delegated.Map(inode, use, offset, length, in options, out mapping);
            }
        }
    }

    /// <summary>The map of a file from a place on, for whoever keeps it. What is only reserved is left out.</summary>
    /// <param name="number">A regular file.</param>
    /// <param name="offset">First byte; the first mapping may begin before it.</param>
    /// <param name="limit">Nothing that begins here or behind.</param>
    /// <param name="mappings">At least two; filled, ascending.</param>
    /// <param name="count">How many were filled in; 0 for data inside the inode.</param>
    /// <param name="next">Where to go on; at or behind the limit when all is told.</param>
    /// <returns>IsDirectory, Invalid, NoKey, Stale, or Ok.</returns>
    public Errno CopyDelegatedMap(InodeNumber number, long offset, long limit, Span<DelegatedMapping> mappings,
        out int count, out long next)
    {
        (count, next) = (0, limit);
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            error = CheckReadable(held.Inode, offset);
            if (error == Errno.Ok && !held.Inode.Has(InodeFlags.InlineData))
            {
                count = DelegatedMaps.CopyMappings(held.Inode, offset, limit, mappings, out next);
            }
            return error;
        }
    }

    /// <summary>A write into the cache has ended: what was reserved for more than was written is given back.</summary>
    /// <param name="number">Its file.</param>
    /// <param name="offset">Where it began.</param>
    /// <param name="length">Bytes it was about.</param>
    /// <param name="written">Bytes accepted.</param>
    /// <param name="isSizeChanged">The file's end is behind them now.</param>
    public Errno EndDelegatedWrite(InodeNumber number, long offset, long length, long written, bool isSizeChanged)
    {
        if (!IsRange(offset, length) || written < 0 || written > length || written > MaximumFileBytes - offset)
        {
            return Errno.Invalid;
        }
        Errno error = AcquireDelegated(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            Delegated!.EndWrite(reference.Inode, offset, length, written, isSizeChanged);
            return Errno.Ok;
        }
    }

    /// <summary>Whoever moves the data has written all he had of a file: it is behind a flush of the device that is begun
    /// from now on. Its size was stored with the completions; what a writer has told of since is not there yet.</summary>
    /// <param name="number">Any inode.</param>
    public Errno SettleDelegated(InodeNumber number)
    {
        if (Delegated is null)
        {
            return Errno.Ok;
        }
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        {
            if (reference.Inode.IsRegular)
            {
                reference.Inode.RaiseDataTicket(Journal!.DataTicket);
            }
            return Errno.Ok;
        }
    }

    /// <summary>Nobody writes any more and all data is written: stores the sizes that writers told of and no completion
    /// has.</summary>
    public Errno SettleAllDelegated()
    {
        if (Delegated is null || Context.IsReadOnly)
        {
            return Errno.Ok;
        }
        Errno first = Errno.Ok;
        foreach (InodeNumber number in Delegated.List(onlyAbandoned: false))
        {
            Errno error = TryChangeDelegated(number, static (files, inode) => files.StorePendingSize(inode));
            first = first == Errno.Ok && error != Errno.Stale ? error : first;
        }
        return first;
    }

    /// <summary>The last descriptor open for writing was closed, and what it wrote is written out.</summary>
    /// <returns>Why the file's size could not be stored: it is tried again when the file is forgotten.</returns>
    public Errno CloseDelegated(InodeNumber number) => Delegated?.Knows(number) != true
        ? Errno.Ok
        : TryChangeDelegated(number, (files, inode) =>
        {
            Errno error = Errno.InputOutput;        // also of whatever is thrown
            try
            {
                error = Context.IsReadOnly ? Errno.ReadOnly : files.StorePendingSize(inode);
                return error;
            }
            finally
            {
                files.Close(inode, isSizeStored: error == Errno.Ok);
            }
        });

    /// <summary>Swapping to a file has ended.</summary>
    /// <param name="number">The file.</param>
    /// <param name="sizeBytes">Its stored size.</param>
    public Errno UnpinDelegated(InodeNumber number, out long sizeBytes)
    {
        long size = 0;
        Errno error = ChangeDelegated(number, (files, inode) =>
        {
            files.Unpin(inode);
            size = inode.SizeBytes;
            return Errno.Ok;
        });
        sizeBytes = size;
        return error;
    }

    /// <summary>Files that nobody can write to and for which something may be kept.</summary>
    public IReadOnlyList<InodeNumber> ListAbandonedDelegated() => Delegated?.List(onlyAbandoned: true) ?? [];

    /// <summary>Gives back what writers that are gone had reserved. Called with no lock.</summary>
    /// <param name="number">Their file.</param>
    /// <param name="isUnused">Asked while the file cannot change: true when nobody keeps a mapping of it and nobody can
    /// write to it. Then also blocks that were told, and into which nothing was written, are free.</param>
    /// <returns>True when there was something.</returns>
    public bool ReleaseAbandoned(InodeNumber number, Func<bool> isUnused)
    {
        ArgumentNullException.ThrowIfNull(isUnused);
        bool isAny = false;
        _ = TryChangeDelegated(number, (files, inode) =>
        {
            isAny = files.ReleaseIfAbandoned(inode, includesPlaced: isUnused());
            return Errno.Ok;
        });
        return isAny;
    }

    /// <summary>Whoever moved the data knows nothing of the inode any more.</summary>
    private void ForgetDelegated(InodeNumber number)
    {
        if (Delegated?.Knows(number) == true)
        {
            _ = ChangeDelegated(number, (files, inode) =>
            {
                if (IsRetained(number))
                {
                    return Errno.Ok;        // known again meanwhile: what is reserved now is of a new life
                }
                Errno error = inode.LinkCount > 0 && !Context.IsReadOnly ? files.StorePendingSize(inode) : Errno.Ok;
                files.ReleaseAll(inode);
                return error;
            });
        }
    }

    /// <summary>The volume is closed: nobody moves data any more.</summary>
    private void DropDelegated()
    {
        if (Delegated is null)
        {
            return;
        }
        foreach (InodeNumber number in Delegated.List(onlyAbandoned: false))
        {
            _ = TryChangeDelegated(number, (files, inode) =>
            {
                try
                {
                    return inode.LinkCount > 0 && !Context.IsReadOnly ? files.StorePendingSize(inode) : Errno.Ok;
                }
                finally
                {
                    files.ReleaseAll(inode);
                }
            });
        }
    }

    private Errno ChangeDelegated(InodeNumber number, Func<DelegatedFiles, Inode, Errno> change)
    {
        Errno error = AcquireDelegated(number, out InodeReference reference);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (reference)
        using (reference.Inode.Lock.Exclusive())
        {
            return change(Delegated!, reference.Inode);
        }
    }

    /// <summary>As <see cref="ChangeDelegated"/>, for one file of many: its damage is not the others' affair.</summary>
    private Errno TryChangeDelegated(InodeNumber number, Func<DelegatedFiles, Inode, Errno> change)
    {
        try
        {
            return ChangeDelegated(number, change);
        }
        catch (Ext4CorruptException damage)
        {
            Context.Events.Damage(damage, number);
            return Errno.Corrupted;
        }
        catch (DeviceException failure)
        {
            Context.Events.DeviceFailed(failure);
            return failure.Error;
        }
    }

    private Errno AcquireDelegated(InodeNumber number, out InodeReference reference)
    {
        reference = default;
        if (Delegated is null)
        {
            return Errno.ReadOnly;
        }
        Errno error = Inodes.Acquire(number, InodeAccess.EvenUnlinked, out reference);
        if (error == Errno.Ok && !reference.Inode.IsRegular)
        {
            reference.Dispose();
            reference = default;
            error = Errno.Invalid;
        }
        return error;
    }

    private bool IsRange(long offset, long length) =>
        offset >= 0 && length >= 0 && offset <= MaximumFileBytes && length <= MaximumFileBytes;
}

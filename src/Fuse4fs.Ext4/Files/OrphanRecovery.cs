using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Finishes at the mount what a crash left: unlinked inodes are freed, truncations completed. What is damaged
/// is reported and left for e2fsck. Kernel: ext4_orphan_cleanup.</summary>
internal sealed class OrphanRecovery(
    WriteServices services, OrphanList orphans, InodeRemover remover, FileTruncation truncation, FileWriter writer,
    FreeSpace space)
{
    private readonly VolumeContext _context = services.Context;
    private readonly Queue<InodeNumber> _values = new();
    private int _removed;
    private int _truncated;

    /// <summary>Works through the superblock's list, then the orphan file.</summary>
    /// <param name="file">The orphan file, when the volume has one.</param>
    public void Run(OrphanFile? file)
    {
        var first = new InodeNumber(_context.CopySuperblock().LastOrphan);
        if (first.Value != 0 && ((VolumeStates)(ushort)_context.CopySuperblock().State).HasFlag(VolumeStates.Errors))
        {
            _context.Events.Warning("the file system has errors: its orphan list is cleared, run e2fsck");
            Cut();
            first = InodeNumber.None;
        }
        RunList(first);
        foreach ((int slot, uint number) in file?.Found ?? [])
        {
            RunSlot(new InodeNumber(number), slot, file!);
        }
        if (_removed + _truncated > 0)
        {
            _context.Events.Warning($"after a crash: {_removed} unlinked files removed, {_truncated} truncated");
        }
    }

    /// <summary>Each inode stays on the list until it is finished. A list that comes back to an inode still on it, or
    /// leads anywhere it should not, ends there.</summary>
    private void RunList(InodeNumber number)
    {
        while (number.Value != 0)
        {
            if (orphans.Contains(number) || !TryAcquire(number, out InodeReference reference))
            {
                _context.Events.Damage(
                    new Ext4CorruptException(Corruption.OrphanList, $"orphan list at inode {number}"), number);
                Cut();
                return;
            }
            using (reference)
            {
                using (reference.Inode.Lock.Exclusive())
                {
                    number = new InodeNumber(reference.Inode.DeletionTime);
                    orphans.Adopt(reference.Inode);
                    Finish(reference.Inode);
                }
            }
            RemoveValues();
        }
    }

    private void RunSlot(InodeNumber number, int slot, OrphanFile file)
    {
        if (orphans.Contains(number) || !TryAcquire(number, out InodeReference reference))
        {
            _context.Events.Damage(
                new Ext4CorruptException(Corruption.OrphanList, $"orphan file names inode {number}"), number);
            if (services.Journal.TryStart(OrphanFile.Credits, out Handle handle) == Errno.Ok)
            {
                using (handle)
                {
                    file.Remove(handle, slot);
                    handle.Complete();
                }
            }
            return;
        }
        using (reference)
        {
            using (reference.Inode.Lock.Exclusive())
            {
                orphans.Adopt(reference.Inode, slot);
                Finish(reference.Inode);
            }
        }
        RemoveValues();
    }

    /// <summary>An inode may be on the list when it is in use and can be truncated or has no links. Kernel:
    /// ext4_orphan_get.</summary>
    private bool TryAcquire(InodeNumber number, out InodeReference reference)
    {
        reference = default;
        try
        {
            space.Inodes.PrepareFree(number);
            if (!TryAcquireAny(number, out reference))
            {
                return false;
            }
            if (reference.Inode.LinkCount == 0
                || reference.Inode.Kind is FileKind.Regular or FileKind.Directory or FileKind.Symlink)
            {
                return true;
            }
            reference.Dispose();
        }
        catch (Ext4CorruptException damage)
        {
            _context.Events.Damage(damage, number);
        }
        return false;
    }

    /// <summary>Inodes that hold a value of an attribute may be orphans too, and only they say what they are.</summary>
    private bool TryAcquireAny(InodeNumber number, out InodeReference reference)
    {
        try
        {
            return services.Inodes.Acquire(number, InodeAccess.EvenLost, out reference) == Errno.Ok;
        }
        catch (Ext4CorruptException damage) when (damage.Kind == Corruption.XattrValueInode)
        {
            InodeAccess access = InodeAccess.EvenLost | InodeAccess.XattrValue;
            return services.Inodes.Acquire(number, access, out reference) == Errno.Ok;
        }
    }

    private void Finish(Inode inode)
    {
        try
        {
            if (inode.LinkCount == 0)
            {
                Remove(inode);
            }
            else
            {
                Truncate(inode);
            }
        }
        catch (Ext4CorruptException damage)
        {
            _context.Events.Damage(damage, inode.Number);
        }
    }

    private void Remove(Inode inode)
    {
        var progress = new RemovalProgress(0);
        while (!progress.IsDone)
        {
            Errno error = remover.RemoveSlice(inode, progress, out IReadOnlyList<InodeNumber> orphaned);
            if (error != Errno.Ok)
            {
                _context.Events.Warning($"unlinked inode {inode.Number} could not be removed: {error}");
                return;
            }
            foreach (InodeNumber value in orphaned)
            {
                _values.Enqueue(value);
            }
        }
        _removed++;
    }

    /// <summary>Inodes that held values of attributes of what was removed. Each may lead to the next, as far as an image
    /// says: one after the other, and never inside each other.</summary>
    private void RemoveValues()
    {
        while (_values.TryDequeue(out InodeNumber value))
        {
            RemoveValue(value);
        }
    }

    private void RemoveValue(InodeNumber number)
    {
        if (!TryAcquireAny(number, out InodeReference reference))
        {
            return;
        }
        using (reference)
        {
            using (reference.Inode.Lock.Exclusive())
            {
                Finish(reference.Inode);
            }
        }
    }

    private void Truncate(Inode inode)
    {
        int shift = _context.Geometry.BlockSizeShift;
        ulong end = inode.Has(InodeFlags.InlineData)
            ? ExtentNodePlace.FileEnd
            : ((ulong)inode.SizeBytes + (1ul << shift) - 1) >> shift;
        if (inode.IsRegular && inode.SizeBytes < services.Maps.MaximumFileBytes(inode))
        {
            // What the last block holds behind the end must not show when the file grows.
            writer.ZeroTail(inode, inode.SizeBytes, long.MaxValue, default);
        }
        Errno error = truncation.FinishTruncate(inode, end);
        if (error != Errno.Ok)
        {
            _context.Events.Warning($"the truncation of inode {inode.Number} could not be completed: {error}");
            return;
        }
        _truncated++;
    }

    private void Cut()
    {
        if (services.Journal.TryStart(2, out Handle handle) == Errno.Ok)
        {
            using (handle)
            {
                orphans.Cut(handle);
                handle.Complete();
            }
        }
    }
}

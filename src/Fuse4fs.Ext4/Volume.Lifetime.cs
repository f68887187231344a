using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

/// <content>How long inodes live: an unlinked inode is an orphan while somebody outside refers to it, then it is freed.
/// </content>
public sealed partial class Volume
{
    /// <summary>Slices of a removal that the thread does on which the last reference ended; the rest is done behind it.
    /// </summary>
    private const int SlicesAtOnce = 4;

    private readonly RetainedInodes _retained = new();

    /// <summary>Inodes to be finished after a crash; null on a volume opened read-only.</summary>
    internal OrphanList? Orphans { get; private set; }

    /// <summary>Frees unlinked inodes; null on a volume opened read-only.</summary>
    internal InodeRemover? Remover { get; private set; }

    private OrphanFile? OrphanFile { get; set; }

    /// <summary>Lets go of what is only kept because it may be wanted again.</summary>
    public void GiveBackMemory()
    {
        Context.Cache.Shrink();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Somebody outside refers to an inode from now on, by its number: it outlives its last link.</summary>
    public void Retain(InodeNumber number) => _retained.Retain(number);

    /// <summary>Somebody outside has forgotten an inode. One without links is freed with its last reference; a big one
    /// by and by.</summary>
    /// <param name="number">Which.</param>
    /// <param name="count">How many of the references ended.</param>
    public void Release(InodeNumber number, ulong count = 1)
    {
        if (!_retained.Release(number, count))
        {
            return;
        }
        ForgetDelegated(number);
        if (Orphans?.Contains(number) == true)
        {
            RemoveIfUnused(number);
        }
    }

    /// <summary>Whether somebody outside refers to an inode.</summary>
    public bool IsKnownOutside(InodeNumber number) => _retained.IsRetained(number);

    /// <inheritdoc cref="IsKnownOutside"/>
    internal bool IsRetained(InodeNumber number) => _retained.IsRetained(number);

    /// <summary>Frees an inode that has lost its last link, unless somebody still refers to it. Called with no lock,
    /// after every operation that took a last link, and when the last reference ends: whichever comes last finds it
    /// unused.
    /// </summary>
    internal void RemoveIfUnused(InodeNumber number) =>
        RemoveInSlices(new Removal(this, number, isValue: false));

    private void RemoveInSlices(Removal removal)
    {
        if (Space!.Background.IsPaused || !RunSlices(removal, SlicesAtOnce))
        {
            Space.Background.Post(removal, isUrgent: true);
        }
    }

    /// <summary>The name is gone already, whatever happens to the inode: damage is reported, and is not the error of who
    /// removed the name. The inode stays an orphan.</summary>
    /// <returns>True when nothing more can be done.</returns>
    private bool RunSlices(Removal removal, int most)
    {
        try
        {
            for (int slice = 0; slice < most; slice++)
            {
                if (removal.RunSlice() is null)
                {
                    return true;
                }
            }
            return false;
        }
        catch (Ext4CorruptException damage)
        {
            Context.Events.Damage(damage, removal.Number);
        }
        catch (DeviceException failure)
        {
            Context.Events.DeviceFailed(failure);
        }
        return true;
    }

    private void OpenOrphans(MapEditor maps)
    {
        OrphanFile = OpenOrphanFile();
        Orphans = new OrphanList(Context, Inodes, OrphanFile, Journal!.HasLog);
        Inodes.ExtraSpace = new TailShift(Context.Geometry);
        AttributeWriter = new XattrWriter(Context, Inodes, Xattrs, Space!.Blocks);
        var attributes = new AttributeRemover(Inodes, Xattrs, AttributeWriter, Space.Blocks, Orphans);
        Remover = new InodeRemover(Context, Inodes, maps, Space, Orphans, attributes, Journal);
    }

    /// <summary>Finishes what a crash left. At the mount, before anybody else is in.</summary>
    private void RecoverOrphans()
    {
        if (Writing is null)
        {
            return;
        }
        DeclareOrphans(isPresent: true);
        new OrphanRecovery(Writing, Orphans!, Remover!, Truncation!, Writer!, Space!).Run(OrphanFile);
    }

    /// <summary>Nobody refers to anything any more: frees what was only kept for those who did.</summary>
    private void FinishOrphans()
    {
        if (Orphans is null || Context.IsReadOnly)
        {
            return;
        }
        var tried = new HashSet<InodeNumber>();
        for (int before = -1; before < tried.Count;)
        {
            before = tried.Count;
            foreach (Inode inode in Orphans.Snapshot().Where(inode => tried.Add(inode.Number)))
            {
                // May make orphans of inodes that hold values: hence once more, until there is no new one.
                _retained.Release(inode.Number, ulong.MaxValue);
                RunSlices(new Removal(this, inode.Number, inode.Has(InodeFlags.XattrValue)), int.MaxValue);
            }
        }
        if (OrphanFile?.IsEmpty == true)
        {
            DeclareOrphans(isPresent: false);
        }
    }

    /// <summary>Tells other implementations whether the orphan file has to be looked at. Docs: ext4/orphan.</summary>
    private void DeclareOrphans(bool isPresent)
    {
        if (OrphanFile is null || !Journal!.HasLog
            || Journal.TryStart(SuperblockChange.Credits, out Handle handle) != Errno.Ok)
        {
            return;
        }
        using (handle)
        {
            SuperblockChange.Apply(Context, handle, (ref Superblock super) => super.RoCompat = isPresent
                ? super.RoCompat | (uint)RoCompatFeatures.OrphanPresent
                : super.RoCompat & ~(uint)RoCompatFeatures.OrphanPresent);
            handle.Complete();
        }
    }

    private OrphanFile? OpenOrphanFile()
    {
        var number = new InodeNumber(Context.CopySuperblock().OrphanFileInode);
        if (!Context.Geometry.Compat.HasFlag(CompatFeatures.OrphanFile) || number.Value == 0
            || Inodes.Acquire(number, InodeAccess.Special, out InodeReference reference) != Errno.Ok)
        {
            return null;
        }
        using (reference)
        {
            Inode inode = reference.Inode;
            long count = inode.SizeBytes >> Context.Geometry.BlockSizeShift;
            if (count > Ext4.Inodes.OrphanFile.MaximumBlocks)
            {
                Ext4CorruptException.Throw(Corruption.OrphanList, $"orphan file: {count} blocks");
            }
            var blocks = new List<FsBlock>();
            for (uint i = 0; i < count; i++)
            {
                if (!Map.TryGetBlock(inode, i, out FsBlock block))
                {
                    Ext4CorruptException.Throw(Corruption.OrphanList, $"orphan file: no block {i}");
                }
                blocks.Add(block);
            }
            return new OrphanFile(Context, inode.ChecksumSeed, blocks);
        }
    }

    /// <summary>The removal of one inode, slice by slice, for as long as it stays unused.</summary>
    private sealed class Removal(Volume volume, InodeNumber number, bool isValue) : IBackgroundJob
    {
        private readonly RemovalProgress _progress = new(0);

        public InodeNumber Number => number;

        public TimeSpan? RunSlice()
        {
            InodeAccess access = InodeAccess.EvenUnlinked | (isValue ? InodeAccess.XattrValue : InodeAccess.File);
            if (volume.Context.IsReadOnly
                || volume.Inodes.Acquire(number, access, out InodeReference reference) != Errno.Ok)
            {
                return null;
            }
            IReadOnlyList<InodeNumber> orphaned = [];
            using (reference)
            {
                Inode inode = reference.Inode;
                using (inode.Lock.Exclusive())
                {
                    if (inode.LinkCount > 0 || inode.IsDetached || volume.IsRetained(number))
                    {
                        return null;
                    }
                    Errno error = volume.Remover!.RemoveSlice(inode, _progress, out orphaned);
                    if (error != Errno.Ok)
                    {
                        volume.Context.Events.Warning($"unlinked inode {number} could not be removed: {error}");
                        return null;
                    }
                }
            }
            foreach (InodeNumber value in orphaned)
            {
                // Not here: an image may let one value's inode refer to the next without end.
                volume.Space!.Background.Post(new Removal(volume, value, isValue: true), isUrgent: true);
            }
            return _progress.IsDone ? null : TimeSpan.Zero;
        }
    }
}

using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Frees unlinked inodes in slices: each is one handle that leaves a valid file, and the orphan list knows of
/// the inode until the last.</summary>
/// <remarks>The caller holds the inode's lock exclusively and has no handle open. Kernel: ext4_evict_inode.</remarks>
internal sealed class InodeRemover(
    VolumeContext context, InodeTable inodes, MapEditor maps, FreeSpace space, OrphanList orphans,
    AttributeRemover attributes, Journal journal)
{
    /// <summary>Bound of one slice's credits, so that others get into the transaction.</summary>
    private const int SliceCredits = 256;

    /// <summary>Bound of the journaled blocks that one slice frees.</summary>
    private const int SliceForgets = 4096;

    /// <summary>What removing the inode itself changes besides its attributes.</summary>
    private int FinalCredits => inodes.StoreCredits + OrphanList.RemoveCredits + InodeAllocator.FreeCredits;

    /// <summary>Frees a part of what an unlinked inode has; at the end the inode itself.</summary>
    /// <param name="inode">Without links, an orphan.</param>
    /// <param name="progress">Kept between the slices of one inode.</param>
    /// <param name="orphaned">Other inodes that became orphans by it, to be removed next.</param>
    /// <returns>Ok; ReadOnly; NoSpace when the map needs a block that is not there.</returns>
    /// <exception cref="Ext4CorruptException">The inode's map or attributes are damaged.</exception>
    public Errno RemoveSlice(Inode inode, RemovalProgress progress, out IReadOnlyList<InodeNumber> orphaned)
    {
        orphaned = [];
        if (inode.Kind != FileKind.Symlink)
        {
            inode.SizeBytes = 0;
        }
        if (inode.Windows is { } windows)
        {
            inode.Windows = null;
            space.Blocks.ReleaseWindows(windows);
        }
        bool hasMap = HasMap(inode);
        try
        {
            Errno error = hasMap ? PrepareSlice(inode, progress) : Errno.Ok;
            if (error != Errno.Ok)
            {
                return error;
            }
            return !hasMap || progress.Change.End >= ExtentNodePlace.FileEnd
                ? RemoveAll(inode, progress, hasMap, out orphaned)
                : RemovePart(inode, progress);
        }
        finally
        {
            progress.Change.Finish();
        }
    }

    /// <summary>Whether i_block maps blocks at all: device nodes, short symlinks and data inside the inode have none.
    /// </summary>
    private bool HasMap(Inode inode) => !inode.Has(InodeFlags.InlineData) && inode.Kind switch
    {
        FileKind.Regular or FileKind.Directory => true,
        FileKind.Symlink => inode.Has(InodeFlags.Extents) || !SymlinkReader.IsFast(context.Geometry, inode),
        _ => false,
    };

    private Errno PrepareSlice(Inode inode, RemovalProgress progress)
    {
        int credits = Math.Min(SliceCredits, journal.MaximumCredits / 4);
        int forgets = Math.Min(SliceForgets, journal.MaximumForgets / 2);
        while (true)
        {
            Errno error = maps.PrepareRemove(
                inode, progress.From, ExtentNodePlace.FileEnd, credits, forgets, progress.Change);
            if (error != Errno.Ok || progress.HasEntries || progress.Change.End >= ExtentNodePlace.FileEnd)
            {
                return error;
            }
            progress.Advance(isLast: false);
        }
    }

    private Errno RemovePart(Inode inode, RemovalProgress progress)
    {
        Errno error = journal.TryStart(
            progress.Change.Credits + inodes.StoreCredits, out Handle handle, progress.Change.Forgets);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            ApplySlice(handle, progress);
            inodes.Store(handle, inode);
            handle.Complete();
        }
        progress.Advance(isLast: false);
        return Errno.Ok;
    }

    /// <summary>The last slice and the inode itself, in one handle.</summary>
    private Errno RemoveAll(
        Inode inode, RemovalProgress progress, bool hasMap, out IReadOnlyList<InodeNumber> orphaned)
    {
        orphaned = [];
        using AttributeRemoval removal = attributes.Prepare(inode);
        space.Inodes.PrepareFree(inode.Number);
        int credits = FinalCredits + removal.Credits + (hasMap ? progress.Change.Credits : 0);
        int forgets = removal.Forgets + (hasMap ? progress.Change.Forgets : 0);
        Errno error = journal.TryStart(credits, out Handle handle, forgets);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            ApplySlice(handle, progress);
            attributes.Apply(handle, inode, removal);
            orphans.Remove(handle, inode);
            inode.DeletionTime = (uint)(context.Clock.GetUtcNow().ToUnixTimeSeconds() & uint.MaxValue);
            inodes.Store(handle, inode, isFreed: true);
            space.Inodes.Free(handle, inode.Number, inode.IsDirectory);
            handle.Complete();
        }
        inodes.Forget(inode);
        orphaned = removal.Orphaned;
        progress.Advance(isLast: true);
        return Errno.Ok;
    }

    private static void ApplySlice(Handle handle, RemovalProgress progress)
    {
        if (progress.HasEntries)
        {
            progress.Change.Remove(handle, progress.From);
        }
    }
}

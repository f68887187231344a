using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Changes a file's size, and takes blocks away. Callers hold the inode's lock exclusively.</summary>
/// <remarks>Cut into handles. The first one of a truncate holds the new size and, when more follow, the entry on the
/// orphan list: a crash in between is finished at the next mount.</remarks>
internal sealed class FileTruncation(WriteServices services, FileWriter writer, OrphanList orphans)
{
    private const int MaximumSliceCredits = 512;

    private readonly int _blockShift = services.Context.Geometry.BlockSizeShift;

    /// <summary>Sets a file's size. Growing adds a hole; what a smaller file had behind its new end is gone for good.
    /// </summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="size">Bytes; within the largest file size.</param>
    /// <param name="options">How.</param>
    /// <returns>ReadOnly, NoSpace when the map needs a block that is not there, or Ok.</returns>
    public Errno SetSize(Inode inode, long size, in WriteOptions options)
    {
        if (size > inode.SizeBytes)
        {
            writer.ZeroTail(inode, inode.SizeBytes, size, in options);
            return services.StoreSize(inode, size, in options);
        }
        services.ReleaseWindows(inode);
        writer.ZeroTail(inode, size, inode.SizeBytes, in options);
        ulong first = ((ulong)size + (1ul << _blockShift) - 1) >> _blockShift;
        Errno error = FirstSlice(inode, first, size, in options, out ulong next);
        return error == Errno.Ok && next < ExtentNodePlace.FileEnd ? FinishTruncate(inode, next) : error;
    }

    /// <summary>Frees everything behind an orphan's end and takes it off the orphan list, unless it has no links: then
    /// it stays there until it is freed.</summary>
    /// <param name="inode">On the orphan list.</param>
    /// <param name="first">First file block to free.</param>
    public Errno FinishTruncate(Inode inode, ulong first)
    {
        Errno error = RemoveBlocks(inode, first, ExtentNodePlace.FileEnd, null);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = services.Journal.TryStart(
            services.Inodes.StoreCredits + OrphanList.RemoveCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            if (inode.LinkCount > 0)
            {
                orphans.Remove(handle, inode);
            }
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>Makes a range of blocks a hole, in slices.</summary>
    public Errno RemoveRange(Inode inode, ulong first, ulong end, in WriteOptions options) =>
        first < end ? RemoveBlocks(inode, first, end, options) : Errno.Ok;

    private int SliceCredits => Math.Min(MaximumSliceCredits, services.Journal.MaximumCredits / 4);

    /// <summary>The new size, with the first slice of blocks, and the orphan entry when there are more.</summary>
    private Errno FirstSlice(Inode inode, ulong first, long size, in WriteOptions options, out ulong next)
    {
        next = ExtentNodePlace.FileEnd;
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = Errno.Ok;
            bool hasEntries = false;
            if (first < ExtentNodePlace.FileEnd)
            {
                error = PrepareRemove(inode, (uint)first, ExtentNodePlace.FileEnd, change);
                next = change.End;
                hasEntries = change.HasEntries;
            }
            bool isLong = next < ExtentNodePlace.FileEnd;
            int credits = (hasEntries ? change.Credits : services.Inodes.StoreCredits)
                + (isLong ? OrphanList.AddCredits : 0);
            Handle handle = null!;
            error = error == Errno.Ok
                ? services.Journal.TryStart(credits, out handle, hasEntries ? change.Forgets : 0)
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                inode.SizeBytes = size;
                services.Touch(inode, in options);
                if (isLong)
                {
                    orphans.Add(handle, inode);
                }
                if (hasEntries)
                {
                    change.Remove(handle, (uint)first);
                }
                services.Inodes.Store(handle, inode);
                handle.Complete();
                return Errno.Ok;
            }
        }
        finally
        {
            change.Finish();
        }
    }

    private Errno RemoveBlocks(Inode inode, ulong first, ulong end, WriteOptions? options)
    {
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = Errno.Ok;
            while (first < end && error == Errno.Ok)
            {
                error = PrepareRemove(inode, (uint)first, end, change);
                if (error == Errno.Ok && change.HasEntries)
                {
                    error = RemoveSlice(inode, (uint)first, change, options);
                }
                first = change.End;
            }
            return error;
        }
        finally
        {
            change.Finish();
        }
    }

    private Errno PrepareRemove(Inode inode, uint first, ulong end, MapChange change) =>
        services.Maps.PrepareRemove(inode, first, end, SliceCredits, services.Journal.MaximumForgets / 2, change);

    private Errno RemoveSlice(Inode inode, uint first, MapChange change, WriteOptions? options)
    {
        Errno error = services.Journal.TryStart(change.Credits, out Handle handle, change.Forgets);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            change.Remove(handle, first);
            if (options is { } touching)
            {
                services.Touch(inode, in touching);
            }
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }
}

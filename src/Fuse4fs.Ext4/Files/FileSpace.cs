using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>fallocate: gives files blocks, takes them away, moves them. Callers hold the inode's lock exclusively.</summary>
/// <remarks>Long operations are cut into handles; each slice leaves a valid file, so nothing goes on the orphan list
/// (recovery would truncate). Kernel: ext4_fallocate.</remarks>
internal sealed class FileSpace(WriteServices services, DataWriter data, FileWriter writer, FileTruncation truncation)
{
    private const int PageBytes = 4096;

    private readonly int _blockShift = services.Context.Geometry.BlockSizeShift;

    /// <summary>Allocates blocks for the holes of a range, as unwritten.</summary>
    /// <returns>NoSpace with what was possible done, ReadOnly, or Ok.</returns>
    public Errno Allocate(Inode inode, long offset, long length, bool keepsSize, in WriteOptions options)
    {
        long end = offset + length;
        long size = keepsSize ? 0 : end;
        Errno error = AllocateBlocks(inode, offset, end, SizeOnTheWay(size, in options), in options);
        return error == Errno.Ok ? StoreSize(inode, size, in options) : error;
    }

    /// <summary>Gives a part of a hole blocks, as unwritten, in one piece.</summary>
    /// <param name="inode">With an extent tree.</param>
    /// <param name="hole">Where.</param>
    /// <param name="stop">Not further than this; less where there is no such piece.</param>
    /// <param name="options">Who asks.</param>
    /// <returns>NoSpace, QuotaExceeded, ReadOnly, or Ok.</returns>
    public Errno AllocateHole(Inode inode, in MapRun hole, ulong stop, in WriteOptions options) =>
        AllocateRun(inode, in hole, stop, 0, in options, out _);

    /// <summary>How far the file may grow while blocks are found. Whoever moves its data takes an error for no change of the
    /// size.</summary>
    private static long SizeOnTheWay(long size, in WriteOptions options) => options.IsDelegated ? 0 : size;

    /// <summary>Makes a range read as zeros by taking its blocks away; partial blocks at its ends are zeroed.</summary>
    public Errno Punch(Inode inode, long offset, long length, in WriteOptions options)
    {
        if (options.IsDelegated)
        {
            // Where the file ends is known better by whoever moves its data.
            return truncation.RemoveRange(inode, FirstWhole(offset), EndWhole(offset + length), in options);
        }
        if (offset >= inode.SizeBytes)
        {
            return Errno.Ok;
        }
        // Beyond the end only the page with the end is looked at: what was allocated ahead stays.
        long limit = (inode.SizeBytes | (PageBytes - 1)) + 1;
        if (inode.SizeBytes % PageBytes == 0)
        {
            limit = inode.SizeBytes + PageBytes;
        }
        long end = Math.Min(offset + length, limit);
        ZeroEdges(inode, offset, end, in options);
        Errno error = truncation.RemoveRange(inode, FirstWhole(offset), EndWhole(end), in options);
        return error == Errno.Ok ? StoreSize(inode, 0, in options) : error;
    }

    /// <summary>Makes a range read as zeros and keeps, or gives, it blocks.</summary>
    /// <returns>As <see cref="Allocate"/>.</returns>
    public Errno Zero(Inode inode, long offset, long length, bool keepsSize, in WriteOptions options)
    {
        long end = offset + length;
        long size = keepsSize ? 0 : end;
        Errno error = AllocateBlocks(inode, offset, end, SizeOnTheWay(size, in options), in options);
        if (error != Errno.Ok)
        {
            return error;
        }
        ZeroEdges(inode, offset, end, in options);
        for (ulong block = FirstWhole(offset); block < EndWhole(end) && error == Errno.Ok;)
        {
            error = ConvertToUnwritten(inode, (uint)block, EndWhole(end), in options, out block);
        }
        return error == Errno.Ok ? StoreSize(inode, size, in options) : error;
    }

    /// <summary>Takes a range out of the file; what follows moves up.</summary>
    /// <returns>Invalid for a range that is not whole clusters or reaches the end, or Ok.</returns>
    public Errno Collapse(Inode inode, long offset, long length, in WriteOptions options)
    {
        long end = offset + length;
        if (!AreClusters(offset, length) || end >= inode.SizeBytes)
        {
            return Errno.Invalid;
        }
        uint first = (uint)(offset >> _blockShift);
        uint from = (uint)(end >> _blockShift);
        services.ReleaseWindows(inode);
        Errno error = truncation.RemoveRange(inode, first, from, in options);
        for (ulong next = from; next < ExtentNodePlace.FileEnd && error == Errno.Ok;)
        {
            error = ShiftLeaf(inode, (uint)next, (uint)next, -(length >> _blockShift), in options, out _, out next);
        }
        return error == Errno.Ok ? services.StoreSize(inode, inode.SizeBytes - length, in options) : error;
    }

    /// <summary>Makes room in the file; what follows moves down.</summary>
    /// <returns>Invalid for a range that is not whole clusters or begins behind the end, FileTooBig, or Ok.</returns>
    public Errno Insert(Inode inode, long offset, long length, in WriteOptions options)
    {
        if (!AreClusters(offset, length) || offset >= inode.SizeBytes)
        {
            return Errno.Invalid;
        }
        if (length > services.Maps.MaximumFileBytes(inode) - inode.SizeBytes)
        {
            return Errno.FileTooBig;
        }
        uint first = (uint)(offset >> _blockShift);
        services.ReleaseWindows(inode);
        // Blocks allocated behind the end would move beyond what a file can have.
        ulong behind = ((ulong)inode.SizeBytes + (1ul << _blockShift) - 1) >> _blockShift;
        Errno error = truncation.RemoveRange(inode, behind, ExtentNodePlace.FileEnd, in options);
        error = error == Errno.Ok ? CutAt(inode, first, in options) : error;
        error = error == Errno.Ok ? services.StoreSize(inode, inode.SizeBytes + length, in options) : error;
        for (uint last = (uint)(ExtentNodePlace.FileEnd - 1); error == Errno.Ok;)
        {
            error = ShiftLeaf(inode, last, first, length >> _blockShift, in options, out uint leafFirst, out _);
            if (leafFirst <= first)
            {
                break;
            }
            last = leafFirst - 1;
        }
        return error;
    }

    private bool AreClusters(long offset, long length)
    {
        long cluster = (long)services.Context.Geometry.BlockSizeBytes << services.Context.Geometry.ClusterShift;
        return ((offset | length) & (cluster - 1)) == 0;
    }

    private ulong FirstWhole(long offset) => ((ulong)offset + (1ul << _blockShift) - 1) >> _blockShift;

    private ulong EndWhole(long end) => (ulong)end >> _blockShift;

    private Errno AllocateBlocks(Inode inode, long offset, long end, long size, in WriteOptions options)
    {
        ulong stop = FirstWhole(end);
        if (size > inode.SizeBytes)
        {
            writer.ZeroTail(inode, inode.SizeBytes, size, in options);
        }
        for (ulong block = EndWhole(offset); block < stop;)
        {
            MapRun run = services.Map.Find(inode, (uint)block);
            ulong next = Math.Min(run.End, stop);
            if (run.Kind == RunKind.Hole)
            {
                Errno error = AllocateRun(inode, run, stop, size, in options, out next);
                if (error != Errno.Ok)
                {
                    return error;
                }
            }
            block = next;
        }
        return Errno.Ok;
    }

    private Errno AllocateRun(Inode inode, in MapRun hole, ulong stop, long size, in WriteOptions options, out ulong next)
    {
        next = hole.First;
        ulong wanted = Math.Min(Math.Min(stop, hole.End) - hole.First, ExtentEntry.MaximumUnwrittenLength);
        Errno error = writer.Reserve(inode, in hole, (uint)wanted, options.Claim, out HoleSpace space);
        if (error != Errno.Ok)
        {
            return error;
        }
        BlockRun fresh = space.Fresh;
        MapChange change = WriteServices.Change;
        try
        {
            error = services.Maps.PrepareInsert(inode, hole.First, space.Blocks.Start, change);
            if (error == Errno.Ok)
            {
                error = services.Journal.TryStart(change.Credits + BlockAllocator.CommitCredits, out Handle handle);
                if (error == Errno.Ok)
                {
                    fresh = default;
                    InsertUnwritten(handle, inode, change, hole.First, in space, size, in options);
                    next = hole.First + (ulong)space.Blocks.LengthBlocks;
                }
            }
            return error;
        }
        finally
        {
            change.Finish();
            services.Allocator.Cancel(fresh);
        }
    }

    private void InsertUnwritten(
        Handle handle, Inode inode, MapChange change, uint first, in HoleSpace space, long size,
        in WriteOptions options)
    {
        using (handle)
        {
            services.Allocator.Commit(handle, space.Fresh);
            var extent = new Extent(first, space.Blocks.Start, space.Blocks.LengthBlocks, IsUnwritten: true);
            change.Insert(handle, in extent, space.Fresh.LengthBlocks);
            long reached = Math.Min(size, ((long)first + space.Blocks.LengthBlocks) << _blockShift);
            inode.SizeBytes = Math.Max(inode.SizeBytes, reached);
            services.Touch(inode, in options);
            services.Inodes.Store(handle, inode);
            handle.Complete();
        }
    }

    private Errno ConvertToUnwritten(
        Inode inode, uint block, ulong end, in WriteOptions options, out ulong next)
    {
        MapRun run = services.Map.Find(inode, block);
        next = Math.Min(run.End, end);
        if (run.Kind != RunKind.Written)
        {
            return Errno.Ok;
        }
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = services.Tree.PrepareConvert(inode, block, next, change);
            next = change.End;
            return error != Errno.Ok
                ? error
                : Apply(inode, change, in options, handle => services.Tree.Convert(handle, change, block, isUnwritten: true));
        }
        finally
        {
            change.Finish();
        }
    }

    private Errno CutAt(Inode inode, uint block, in WriteOptions options)
    {
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = services.Tree.PrepareCut(inode, block, change);
            return error != Errno.Ok || change.FirstEntry == change.EndEntry
                ? error
                : Apply(inode, change, in options, handle => services.Tree.Cut(handle, change, block));
        }
        finally
        {
            change.Finish();
        }
    }

    private Errno ShiftLeaf(
        Inode inode, uint inLeaf, uint first, long distance, in WriteOptions options,
        out uint leafFirst, out ulong leafEnd)
    {
        MapChange change = WriteServices.Change;
        try
        {
            services.Tree.PrepareShift(inode, inLeaf, first, change);
            ExtentNodePlace place = change.Path.PlaceAt(change.Path.Depth);
            leafFirst = place.First;
            leafEnd = place.End;
            if (distance > 0 && place.First > inLeaf)
            {
                leafFirst = 0;      // the walk found no leaf before the ones already moved
                return Errno.Ok;
            }
            return change.FirstEntry == change.EndEntry
                ? Errno.Ok
                : Apply(inode, change, in options, handle => services.Tree.Shift(handle, change, distance));
        }
        finally
        {
            change.Finish();
        }
    }

    private Errno Apply(Inode inode, MapChange change, in WriteOptions options, Action<Handle> apply)
    {
        Errno error = services.Journal.TryStart(change.Credits, out Handle handle, change.Forgets);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            apply(handle);
            services.Touch(inode, in options);
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    /// <summary>Zeroes the parts of written blocks that a range covers only partly.</summary>
    private void ZeroEdges(Inode inode, long offset, long end, in WriteOptions options)
    {
        if (options.IsDelegated)
        {
            return;
        }
        long firstWhole = (long)FirstWhole(offset) << _blockShift;
        long endWhole = (long)EndWhole(end) << _blockShift;
        if (offset < firstWhole)
        {
            ZeroPart(inode, offset, Math.Min(firstWhole, end));
        }
        if (endWhole >= firstWhole && endWhole < end)
        {
            ZeroPart(inode, endWhole, end);
        }
    }

    private void ZeroPart(Inode inode, long from, long to)
    {
        MapRun run = services.Map.Find(inode, (uint)(from >> _blockShift));
        if (run.Kind == RunKind.Written)
        {
            long inBlock = from & ((1L << _blockShift) - 1);
            data.Zero(inode, ((long)run.Start.Value << _blockShift) + inBlock, (int)(to - from));
        }
    }

    private Errno StoreSize(Inode inode, long size, in WriteOptions options)
    {
        if (size > inode.SizeBytes)
        {
            writer.ZeroTail(inode, inode.SizeBytes, size, in options);
        }
        return services.StoreSize(inode, Math.Max(size, inode.SizeBytes), in options);
    }}

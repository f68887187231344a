using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Writes data to files. Data reaches its blocks before the handle begins that maps them or raises the size
/// over them, so that a crash never shows what the blocks held before.</summary>
/// <remarks>Overwriting written blocks needs neither a handle nor the exclusive lock. Blocks for a hole are reserved in
/// memory, filled, then mapped; unwritten blocks are filled, then converted.</remarks>
internal sealed class FileWriter(WriteServices services, DataWriter data)
{
    private const int PrivilegeBits = 0x0C00;

    private readonly int _blockShift = services.Context.Geometry.BlockSizeShift;

    /// <summary>Overwrites, if that is all there is to do. The caller holds the lock, shared at least.</summary>
    /// <returns>False when blocks, size, mode or times would change: the exclusive lock is needed.</returns>
    public bool TryOverwrite(Inode inode, long offset, ReadOnlySpan<byte> bytes, in WriteOptions options)
    {
        long end = offset + bytes.Length;
        if (data.IsJournaled || end > inode.SizeBytes || (options.KillsPrivileges && HasPrivileges(inode))
            || (options.MovesTimes && inode.ModificationTime != services.Now()))
        {
            return false;
        }
        for (uint block = BlockOf(offset); block <= BlockOf(end - 1);)
        {
            MapRun run = services.Map.Find(inode, block);
            if (run.Kind != RunKind.Written)
            {
                return false;
            }
            if (run.End > BlockOf(end - 1))
            {
                break;
            }
            block = (uint)run.End;
        }
        for (int done = 0; done < bytes.Length;)
        {
            done += OverwriteRun(inode, services.Map.Find(inode, BlockOf(offset + done)), offset + done, bytes[done..]);
        }
        return true;
    }

    /// <summary>Writes whatever it takes. The caller holds the lock exclusively.</summary>
    /// <param name="inode">A regular file.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="bytes">At least one; the end is within the largest file size.</param>
    /// <param name="options">How.</param>
    /// <param name="written">Bytes written; with an error those before it happened.</param>
    /// <returns>NoSpace, FileTooBig for a map that cannot grow, NotSupported for data inside the inode, ReadOnly, or
    /// Ok.</returns>
    public Errno Write(Inode inode, long offset, ReadOnlySpan<byte> bytes, in WriteOptions options, out int written)
    {
        written = 0;
        if (offset > inode.SizeBytes)
        {
            ZeroTail(inode, inode.SizeBytes, offset, in options);
        }
        Errno error = Errno.Ok;
        bool isStored = false;
        while (written < bytes.Length && error == Errno.Ok)
        {
            long position = offset + written;
            MapRun run = services.Map.Find(inode, BlockOf(position));
            ReadOnlySpan<byte> rest = bytes[written..];
            int count = 0;
            switch (run.Kind)
            {
                case RunKind.Written:
                    count = OverwriteRun(inode, run, position, rest);
                    isStored = false;
                    break;
                case RunKind.Unwritten:
                    error = FillUnwritten(inode, run, position, rest, in options, out count);
                    isStored |= count > 0;
                    break;
                case RunKind.Hole:
                    error = FillHole(inode, run, position, rest, in options, out count);
                    isStored |= count > 0;
                    break;
                default:
                    error = Errno.NotSupported;
                    break;
            }
            written += count;
        }
        if (written > 0 && !isStored)
        {
            Errno stored = StoreAfterOverwrite(inode, offset + written, in options);
            error = error == Errno.Ok ? stored : error;
        }
        return error;
    }

    /// <summary>Zeroes the rest of the block that holds a file's end, before the file grows over it.</summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="end">The file's present end, or the end it is going to have.</param>
    /// <param name="limit">Not further than this.</param>
    /// <param name="options">Whoever moves the data himself has zeroed it.</param>
    public void ZeroTail(Inode inode, long end, long limit, in WriteOptions options)
    {
        int inBlock = (int)(end & ((1L << _blockShift) - 1));
        if (inBlock == 0 || options.IsDelegated || inode.Has(InodeFlags.InlineData))
        {
            return;
        }
        MapRun run = services.Map.Find(inode, BlockOf(end));
        if (run.Kind == RunKind.Written)
        {
            int length = (int)Math.Min((1L << _blockShift) - inBlock, limit - end);
            data.Zero(inode, ((long)run.Start.Value << _blockShift) + inBlock, length);
        }
    }

    private static bool HasPrivileges(Inode inode) => (inode.Mode & PrivilegeBits) != 0;

    private uint BlockOf(long offset) => (uint)(offset >> _blockShift);

    private int OverwriteRun(Inode inode, in MapRun run, long position, ReadOnlySpan<byte> bytes)
    {
        int count = (int)Math.Min(bytes.Length, (long)(run.End << _blockShift) - position);
        long inRun = position - ((long)run.First << _blockShift);
        data.Overwrite(inode, ((long)run.Start.Value << _blockShift) + inRun, bytes[..count]);
        return count;
    }

    private Errno FillUnwritten(
        Inode inode, in MapRun run, long position, ReadOnlySpan<byte> bytes, in WriteOptions options, out int count)
    {
        count = (int)Math.Min(bytes.Length, (long)(run.End << _blockShift) - position);
        int skip = (int)(position & ((1L << _blockShift) - 1));
        uint first = BlockOf(position);
        ulong end = (ulong)BlockOf(position + count - 1) + 1;
        data.Fill(inode, (long)run.Start.Value << _blockShift, skip, bytes[..count]);
        MapChange change = WriteServices.Change;
        try
        {
            for (ulong done = first; done < end;)
            {
                var from = (uint)done;
                Errno error = services.Tree.PrepareConvert(inode, from, end, change);
                if (error == Errno.NoSpace)
                {
                    error = PrepareWhole(inode, from, end, position + count, change, out from);
                }
                if (error == Errno.Ok)
                {
                    error = Convert(inode, change, from, position + count, in options);
                }
                if (error != Errno.Ok)
                {
                    count = (int)Math.Max(0, ((long)done << _blockShift) - position);
                    return error;
                }
                done = change.End;
            }
            return Errno.Ok;
        }
        finally
        {
            change.Finish();
        }
    }

    /// <summary>There is no block left for the tree: the rest of the extent is zeroed instead, so that it need not be
    /// split. Not beyond the file's end, where nothing may be written. Kernel: ext4_split_extent_at,
    /// EXT4_EXT_MAY_ZEROOUT.</summary>
    private Errno PrepareWhole(
        Inode inode, uint done, ulong end, long writtenEnd, MapChange change, out uint from)
    {
        Errno error = services.Tree.PrepareConvertWhole(inode, done, change, out Extent extent);
        from = extent.FirstFileBlock;
        long fileEnd = Math.Max(inode.SizeBytes, writtenEnd);
        if (error != Errno.Ok || extent.EndFileBlock > (ulong)BlockOf(fileEnd - 1) + 1)
        {
            return error == Errno.Ok ? Errno.NoSpace : error;
        }
        ZeroBlocks(inode, in extent, from, done);
        ZeroBlocks(inode, in extent, Math.Min(end, extent.EndFileBlock), extent.EndFileBlock);
        return Errno.Ok;
    }

    private void ZeroBlocks(Inode inode, in Extent extent, ulong from, ulong to)
    {
        if (to > from)
        {
            long start = (long)(extent.Start.Value + (from - extent.FirstFileBlock)) << _blockShift;
            data.Zero(inode, start, (int)((to - from) << _blockShift));
        }
    }

    private Errno Convert(Inode inode, MapChange change, uint first, long end, in WriteOptions options)
    {
        Errno error = services.Journal.TryStart(change.Credits, out Handle handle, change.Forgets);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            services.Tree.Convert(handle, change, first, isUnwritten: false);
            Touch(inode, Math.Min(end, (long)(change.End << _blockShift)), in options);
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    private Errno FillHole(
        Inode inode, in MapRun run, long position, ReadOnlySpan<byte> bytes, in WriteOptions options, out int count)
    {
        int skip = (int)(position & ((1L << _blockShift) - 1));
        uint first = BlockOf(position);
        count = (int)Math.Min(bytes.Length, (long)(run.End << _blockShift) - position);
        uint wanted = BlockOf(position + count - 1) - first + 1;
        Errno error = Reserve(inode, in run, wanted, options.Claim, out HoleSpace space);
        if (error != Errno.Ok)
        {
            count = 0;
            return error;
        }
        count = (int)Math.Min(count, ((long)space.Blocks.LengthBlocks << _blockShift) - skip);
        BlockRun fresh = space.Fresh;
        MapChange change = WriteServices.Change;
        try
        {
            error = services.Maps.PrepareInsert(inode, first, space.Blocks.Start, change);
            if (error == Errno.Ok)
            {
                data.Fill(inode, (long)space.Blocks.Start.Value << _blockShift, skip, bytes[..count]);
                error = services.Journal.TryStart(change.Credits + BlockAllocator.CommitCredits, out Handle handle);
                if (error == Errno.Ok)
                {
                    fresh = default;
                    Insert(handle, inode, change, first, in space, position + count, in options);
                }
            }
            count = error == Errno.Ok ? count : 0;
            return error;
        }
        finally
        {
            change.Finish();
            services.Allocator.Cancel(fresh);
        }
    }

    private void Insert(
        Handle handle, Inode inode, MapChange change, uint first, in HoleSpace space, long end,
        in WriteOptions options)
    {
        using (handle)
        {
            services.Allocator.Commit(handle, space.Fresh);
            var extent = new Extent(first, space.Blocks.Start, space.Blocks.LengthBlocks, IsUnwritten: false);
            change.Insert(handle, in extent, space.Fresh.LengthBlocks);
            Touch(inode, end, in options);
            services.Inodes.Store(handle, inode);
            handle.Complete();
        }
    }

    /// <summary>Reserves blocks for a hole from its run's first block on.</summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="hole">Where.</param>
    /// <param name="wanted">Blocks of the hole that are needed now.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <param name="space">What there was, in one piece; possibly less.</param>
    public Errno Reserve(Inode inode, in MapRun hole, uint wanted, SpaceClaim claim, out HoleSpace space)
    {
        uint first = hole.First;
        ulong reach = services.Maps.InsertLimit(inode, first) - first;
        space = default;
        if (reach == 0)
        {
            return Errno.FileTooBig;
        }
        wanted = (uint)Math.Min(Math.Min(wanted, ExtentEntry.MaximumWrittenLength), reach);
        AllocationGoal goal = GoalOf(inode, in hole);
        return services.Holes.Reserve(inode, in hole, wanted, in goal, claim, out space);
    }

    /// <summary>Where blocks for a hole should be.</summary>
    public AllocationGoal GoalOf(Inode inode, in MapRun hole)
    {
        uint first = hole.First;
        MapRun before = first > 0 ? services.Map.Find(inode, first - 1) : default;
        return new AllocationGoal
        {
            Owner = inode.Number,
            IsFileData = true,
            IsBlockMapped = !inode.Has(InodeFlags.Extents),
            Near = before.IsMapped ? before.BlockAt(first - 1) + 1 : default,
            Windows = inode.Windows ??= services.Allocator.CreatePreallocation(),
        };
    }

    private Errno StoreAfterOverwrite(Inode inode, long end, in WriteOptions options)
    {
        if (!options.MovesTimes && end <= inode.SizeBytes && !options.KillsPrivileges)
        {
            return Errno.Ok;
        }
        Errno error = services.Journal.TryStart(services.Inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            Touch(inode, end, in options);
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }

    private void Touch(Inode inode, long end, in WriteOptions options)
    {
        inode.SizeBytes = Math.Max(inode.SizeBytes, end);
        services.Touch(inode, in options);
    }
}

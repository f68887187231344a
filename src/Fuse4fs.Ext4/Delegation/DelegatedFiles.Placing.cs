using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Delegation;

/// <content>Choosing blocks: unwritten in an extent tree; in memory only for a block map.</content>
internal sealed partial class DelegatedFiles
{
    /// <summary>Before data goes past the cache.</summary>
    private Errno PlaceDirect(
        Inode inode, ref DelegatedState? state, ulong block, ulong end, in WriteOptions options)
    {
        DelegatedRun run = maps.Find(inode, state, block, joins: true);
        end = Math.Min(Math.Min(end, run.End), (ulong)services.Maps.MaximumFileBytes(inode) >> _blockShift);
        return run.Kind switch
        {
            DelegatedKind.Hole when block >= end => Errno.FileTooBig,
            DelegatedKind.Hole => PlaceNow(inode, ref state, block, end, in options),
            DelegatedKind.Reserved => PlaceReserved(state!, block, end),
            _ => Errno.Ok,
        };
    }

    /// <summary>Before data goes from the cache to the device: what is reserved gets its blocks, in as large a piece as
    /// there is. What was never reserved was accepted all the same.</summary>
    private Errno PlaceCached(
        Inode inode, ref DelegatedState? state, ulong block, ulong end, in WriteOptions options)
    {
        DelegatedRun run = maps.Find(inode, state, block, joins: true);
        switch (run.Kind)
        {
            case DelegatedKind.Reserved:
                // Not what a write still under way, or one that was killed, had reserved behind what is known to be there.
                ulong known = CeilingBlock(Math.Max(inode.SizeBytes, state!.PendingSizeBytes));
                return PlaceReserved(state, block, Math.Min(run.End, Math.Max(end, known)));
            case DelegatedKind.Hole:
                end = Math.Min(Math.Min(end, run.End), (ulong)services.Maps.MaximumFileBytes(inode) >> _blockShift);
                return block < end
                    ? PlaceNow(inode, ref state, block, end, options with { IsCached = true, MayUseReserve = true })
                    : Errno.FileTooBig;
            default:
                return Errno.Ok;
        }
    }

    /// <summary>Gives a part of a hole blocks that nobody reserved before.</summary>
    private Errno PlaceNow(Inode inode, ref DelegatedState? state, ulong block, ulong end, in WriteOptions options)
    {
        var hole = new MapRun(RunKind.Hole, (uint)block, end - block, default);
        state ??= MakeState(inode);
        Errno error;
        if (inode.Has(InodeFlags.Extents))
        {
            // One extent, of which a part is written at first, makes two more entries.
            ulong owedEnd = Math.Min(block + 2, end);
            bool isPromised = TryPromise(state, block, owedEnd, options.Claim);
            error = isPromised || options.IsCached
                ? space.AllocateHole(inode, in hole, end, in options)
                : Errno.NoSpace;
            if (error != Errno.Ok && isPromised)
            {
                Settle(state, block, owedEnd);
            }
        }
        else
        {
            error = PlaceNumbers(state, in hole, in options);
        }
        Trim(state);
        return error;
    }

    private Errno PlaceNumbers(DelegatedState state, in MapRun hole, in WriteOptions options)
    {
        Errno error = writer.Reserve(
            state.Inode, in hole, (uint)Math.Min(hole.LengthBlocks, int.MaxValue), options.Claim, out HoleSpace found);
        if (error != Errno.Ok)
        {
            return error;
        }
        if (!TryPromise(state, hole.First, (ulong)hole.First + found.Blocks.LengthBlocks, options.Claim)
            && !options.IsCached)
        {
            services.Allocator.Cancel(found.Fresh);
            return Errno.NoSpace;
        }
        state.Placed.Add(new PlacedRun(hole.First, found.Blocks));
        return Errno.Ok;
    }

    /// <summary>Chooses blocks for reserved space from a block on.</summary>
    private Errno PlaceReserved(DelegatedState state, ulong block, ulong end)
    {
        Inode inode = state.Inode;
        ulong reach = Math.Min(services.Maps.InsertLimit(inode, (uint)block), end);
        uint wanted = (uint)Math.Min(reach - Math.Min(reach, block), (ulong)ExtentEntry.MaximumUnwrittenLength);
        if (wanted == 0)
        {
            return Errno.FileTooBig;
        }
        var hole = new MapRun(RunKind.Hole, (uint)block, wanted, default);
        AllocationGoal goal = writer.GoalOf(inode, in hole) with
        {
            FileCluster = (uint)block,
            HoleClusters = wanted,
            FileClusters = Math.Max(
                CeilingBlock(Math.Max(inode.SizeBytes, state.PendingSizeBytes)), block + wanted),
        };
        Errno error = services.Allocator.Place(in goal, wanted, out BlockRun run);
        if (error != Errno.Ok)
        {
            return error;
        }
        bool isPlaced = false;
        try
        {
            if (inode.Has(InodeFlags.Extents))
            {
                error = Enter(inode, (uint)block, run, isUnwritten: true, sizeBytes: 0);
            }
            else
            {
                state.Placed.Add(new PlacedRun((uint)block, run));
            }
            isPlaced = error == Errno.Ok;
        }
        finally
        {
            if (!isPlaced)
            {
                services.Allocator.Unplace(run);
            }
        }
        if (isPlaced)
        {
            state.Reserved.Remove(block, block + run.LengthBlocks);
            services.Inodes.Accounts?.Hold(state.Owner, -(long)run.LengthBlocks);
        }
        return error;
    }

    /// <summary>Enters blocks into the map, as far as one insertion goes: all of an extent, which is no longer than that.
    /// </summary>
    /// <param name="inode">Locked exclusively.</param>
    /// <param name="first">First file block; a hole.</param>
    /// <param name="run">Kept in memory by the caller, who takes it back after an error.</param>
    /// <param name="isUnwritten">Their state.</param>
    /// <param name="sizeBytes">The file's size is at least this from then on.</param>
    private Errno Enter(Inode inode, uint first, BlockRun run, bool isUnwritten, long sizeBytes)
    {
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = services.Maps.PrepareInsert(inode, first, run.Start, change);
            Handle handle = null!;
            error = error == Errno.Ok
                ? services.Journal.TryStart(change.Credits + BlockAllocator.CommitCredits, out handle)
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                services.Allocator.Commit(handle, run);
                var extent = new Extent(first, run.Start, run.LengthBlocks, isUnwritten);
                change.Insert(handle, in extent, run.LengthBlocks);
                Grow(inode, sizeBytes);
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

    private static void Grow(Inode inode, long sizeBytes)
    {
        inode.SizeBytes = Math.Max(inode.SizeBytes, sizeBytes);
        inode.Version = unchecked(inode.Version + 1);
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <content>Taking blocks back.</content>
public sealed partial class BlockAllocator
{
    /// <summary>Blocks that <see cref="Commit"/> of one reserved run changes: its group's bitmap and
    /// descriptor.</summary>
    public const int CommitCredits = 2;

    /// <summary>Reads what freeing a run will need and checks that it may be freed, so that damage is found before a
    /// handle is open.</summary>
    /// <exception cref="Ext4CorruptException">A block is the file system's own, outside the volume, or free already.
    /// </exception>
    public void PrepareFree(BlockRun run)
    {
        if (!MayFree(run))
        {
            throw Forbidden(run);
        }
        foreach (GroupPart part in PartsOf(run))
        {
            if (!TryLoad(part.Group))
            {
                continue;
            }
            using GroupLease descriptor = _groups.Open(part.Group);
            using BlockLease bitmap = _context.Cache.Read(descriptor.View.BlockBitmap);
            lock (_groups.Gate(part.Group))
            {
                if (!new BitmapView(bitmap.Bytes).IsSet(part.Start, part.Length))
                {
                    throw FreeAlready(run);
                }
            }
        }
    }

    /// <summary>The cluster a block lies in: what holds one block of metadata holds nothing else.</summary>
    public BlockRun ClusterOf(FsBlock block) => new(
        new FsBlock(block.Value - ((block.Value - _geometry.FirstDataBlock) & (_geometry.BlocksPerCluster - 1))),
        _geometry.BlocksPerCluster);

    /// <summary>Blocks that <see cref="Free"/> changes at most for a run.</summary>
    public int FreeCredits(BlockRun run) =>
        2 * (int)(((run.LengthBlocks + _geometry.BlocksPerGroup - 1) / _geometry.BlocksPerGroup) + 1);

    /// <summary>Frees blocks on disk in the handle. They are handed out again only when its commit is durable and
    /// requests in flight have ended.</summary>
    /// <param name="handle">An open handle.</param>
    /// <param name="run">Whole clusters that nothing refers to any more.</param>
    /// <param name="isMetadata">The blocks were journaled: a replay must not write them again.</param>
    /// <remarks>Throws nothing, which would abort the journal: what must not be freed is reported and left as it is.
    /// </remarks>
    public void Free(Handle handle, BlockRun run, bool isMetadata)
    {
        if (isMetadata)
        {
            for (ulong i = 0; i < run.LengthBlocks; i++)
            {
                handle.Forget(run.Start + i);
            }
        }
        if (!MayFree(run))
        {
            _context.Events.Damage(Forbidden(run), InodeNumber.None);
            return;
        }
        foreach (GroupPart part in PartsOf(run))
        {
            if (!FreePart(handle, part))
            {
                _context.Events.Damage(FreeAlready(run), InodeNumber.None);
            }
        }
    }

    /// <summary>What a batch of freed space returns. Called by <see cref="FreedSpace"/> alone.</summary>
    internal void Return(GroupPart part)
    {
        GiveBack(part);
        _counter.EndReturn(part.Length);
    }

    /// <summary>Where a part is on the device.</summary>
    internal BlockRun RunOf(GroupPart part) => new(
        _geometry.FirstBlock(part.Group) + ((ulong)part.Start << _geometry.ClusterShift),
        (uint)Math.Min(
            (ulong)part.Length << _geometry.ClusterShift,
            _geometry.BlocksIn(part.Group) - ((ulong)part.Start << _geometry.ClusterShift)));

    /// <returns>False when a part of it was free already; the rest is freed.</returns>
    private bool FreePart(Handle handle, GroupPart part)
    {
        while (TryLoad(part.Group))
        {
            lock (_groups.Gate(part.Group))
            {
                GroupState state = _groups.State(part.Group);
                if (state.Blocks is null)
                {
                    continue;
                }
                return FreeLoaded(handle, part, state);
            }
        }
        return true;
    }

    /// <summary>Under the gate.</summary>
    private bool FreeLoaded(Handle handle, GroupPart part, GroupState state)
    {
        using GroupLease descriptor = _groups.Change(handle, part.Group);
        if (_groups.FlagsOf(descriptor).HasFlag(GroupFlags.BlocksUninitialized))
        {
            return false;
        }
        using BlockLease bitmap = handle.Update(descriptor.View.BlockBitmap);
        var bits = new BitmapView(bitmap.Bytes);
        int end = part.Start + part.Length;
        int freed = 0;
        for (int bit = bits.NextSet(part.Start, end); bit < end; bit = bits.NextSet(bit, end))
        {
            int length = bits.NextClear(bit, end) - bit;
            bits.Clear(bit, length);
            freed += length;
            _freed.Add(handle, part with { Start = bit, Length = length });
            bit += length;
        }
        if (freed > 0)
        {
            state.Held += freed;
            _counter.BeginReturn(freed);
            ChangeCounts(descriptor, bitmap, freed);
        }
        return freed == part.Length;
    }

    private bool MayFree(BlockRun run) =>
        !IsForbidden(run.Start, run.LengthBlocks)
        && ((run.Start.Value - _geometry.FirstDataBlock) & (_geometry.BlocksPerCluster - 1)) == 0;

    private static Ext4CorruptException Forbidden(BlockRun run) =>
        new(Corruption.BlockOutOfVolume, $"blocks {run} to be freed");

    private static Ext4CorruptException FreeAlready(BlockRun run) =>
        new(Corruption.BitmapContents, $"blocks {run} to be freed are free already");
}

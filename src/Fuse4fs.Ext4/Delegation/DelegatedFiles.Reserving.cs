using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Delegation;

/// <content>Accepting data: space for it, for the nodes its map may need, and its owners' quotas.</content>
internal sealed partial class DelegatedFiles
{
    private const int EntryBytes = 12;

    private readonly int _numbersShift = services.Context.Geometry.BlockSizeShift - 2;

    /// <summary>Entries that a node has at least after it was split.</summary>
    private readonly ulong _leastEntries =
        (ulong)ExtentHeader.EntriesThatFit(services.Context.Geometry.BlockSizeBytes) / 2;

    /// <summary>Before data is put into the cache: what is a hole there gets space reserved.</summary>
    private Errno Accept(
        Inode inode, ref DelegatedState? state, MappingUse use, ulong block, ulong end, in WriteOptions options)
    {
        if (use == MappingUse.Write && state is not null)
        {
            // Writers of a file take turns: what the one before had reserved is in use, or he was killed.
            state.Fresh = default;
            state.IsAbandoned = false;
        }
        DelegatedRun run = maps.Find(inode, state, block, joins: true);
        if (run.Kind != DelegatedKind.Hole)
        {
            return Errno.Ok;
        }
        if ((long)(block << _blockShift) >= services.Maps.MaximumFileBytes(inode))
        {
            return Errno.FileTooBig;
        }
        end = Math.Min(Math.Min(end, run.End), (ulong)services.Maps.MaximumFileBytes(inode) >> _blockShift);
        if (_clusterShift > 0)
        {
            // A cluster may be the file's already, or become so by a block beside it: what a reservation costs would
            // change behind its back. So blocks are chosen at once.
            return PlaceNow(inode, ref state, block, end, in options);
        }
        state ??= MakeState(inode);
        Errno error = Reserve(state, block, ref end, options.Claim);
        if (error == Errno.Ok && use == MappingUse.Write)
        {
            state.Fresh = (block, end);
        }
        Trim(state);
        return error;
    }

    /// <summary>Reserves space for a part of a hole.</summary>
    /// <param name="state">The file's.</param>
    /// <param name="first">First block.</param>
    /// <param name="end">How far it is wanted; becomes how far there was space.</param>
    /// <param name="claim">How deep to dig.</param>
    private Errno Reserve(DelegatedState state, ulong first, ref ulong end, SpaceClaim claim)
    {
        Inode inode = state.Inode;
        uint wanted = (uint)Math.Min(end - first, int.MaxValue);
        if (services.Inodes.Accounts is { } accounts)
        {
            wanted = accounts.LimitSpace(inode, wanted, claim.IsPrivileged());
            if (wanted == 0)
            {
                return Errno.QuotaExceeded;
            }
        }
        uint held = services.Allocator.Hold(wanted, claim);
        while (held > 0 && !TryPromise(state, first, first + held, claim))
        {
            uint less = held / 2;
            services.Allocator.Unhold(held - less);
            held = less;
        }
        if (held == 0)
        {
            return Errno.NoSpace;
        }
        end = first + held;
        if (state.Reserved.IsEmpty)
        {
            state.Owner = InodeCharge.Of(inode).Released;
        }
        state.Reserved.Add(first, end);
        services.Inodes.Accounts?.Hold(state.Owner, held);
        return Errno.Ok;
    }

    /// <summary>Keeps clusters for the nodes that entering a range into the map may take at worst.</summary>
    private bool TryPromise(DelegatedState state, ulong first, ulong end, SpaceClaim claim)
    {
        long before = state.PromisedClusters;
        bool isTree = state.Inode.Has(InodeFlags.Extents);
        long wanted = isTree
            ? TreeNodes(state.Inode, state.Owed.Count + (end - first))
            : before + NewNumberNodes(state, first, end, isKept: false);
        if (wanted > before && !services.Allocator.TryPromise(wanted - before, claim))
        {
            return false;
        }
        if (!isTree)
        {
            NewNumberNodes(state, first, end, isKept: true);
        }
        state.PromisedClusters = Math.Max(before, wanted);
        state.Owed.Add(first, end);
        return true;
    }

    /// <summary>Nodes that a tree may need for so many blocks, each an extent of its own.</summary>
    private long TreeNodes(Inode inode, ulong blocks)
    {
        int levels = Disk.At<ExtentHeader>(inode.BlockAreaBytes, 0).Depth + 1;
        ulong nodes = 0;
        for (int level = 0; level <= levels; level++)
        {
            blocks = (blocks / Math.Max(1, _leastEntries)) + 1;
            nodes += blocks;
        }
        return (long)nodes;
    }

    /// <summary>Blocks of numbers that lead to a range and are not kept for yet. Those that exist already count, too:
    /// at most one for each level.</summary>
    private long NewNumberNodes(DelegatedState state, ulong first, ulong end, bool isKept)
    {
        long nodes = 0;
        first = Math.Max(first, IndirectLayout.DirectBlocks);
        for (int level = 1; first < end && level <= IndirectLayout.MaximumLevels; level++)
        {
            int shift = _numbersShift * level;
            // Trees begin at odd places: a range may touch one node more than its length tells.
            ulong from = (first - IndirectLayout.DirectBlocks) >> shift;
            ulong to = ((end - 1 - IndirectLayout.DirectBlocks) >> shift) + 1;
            for (ulong node = from; node <= to; node++)
            {
                bool isNew = isKept ? state.OwedNodes.Add((level, node)) : !state.OwedNodes.Contains((level, node));
                nodes += isNew ? 1 : 0;
            }
        }
        return nodes;
    }

    /// <summary>A buffered write has ended.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="offset">Where it began.</param>
    /// <param name="length">Bytes it was about.</param>
    /// <param name="written">Bytes that were accepted.</param>
    /// <param name="isSizeChanged">The file's end, as its writer knows it, is now behind them.</param>
    public void EndWrite(Inode inode, long offset, long length, long written, bool isSizeChanged)
    {
        if (isSizeChanged && written > 0)
        {
            DelegatedState grown = MakeState(inode);
            grown.PendingSizeBytes = Math.Max(grown.PendingSizeBytes, offset + written);
        }
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return;
        }
        if (written < length && state.HasFresh)
        {
            ulong used = written == 0 ? (ulong)offset >> _blockShift : EndBlock(offset, written);
            ulong first = Math.Max(used, state.Fresh.First);
            ulong end = Math.Min(EndBlock(offset, length), state.Fresh.End);
            if (first < end)
            {
                ReleaseReserved(state, first, end);
            }
        }
        if (written >= length || !state.HasFresh || state.Fresh.End <= EndBlock(offset, length))
        {
            state.Fresh = default;
        }
        Trim(state);
    }
}

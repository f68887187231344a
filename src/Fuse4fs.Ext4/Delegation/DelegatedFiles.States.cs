using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Delegation;

/// <content>What is kept for whom.</content>
internal sealed partial class DelegatedFiles
{
    /// <summary>The inode's state, made if there is none.</summary>
    private DelegatedState MakeState(Inode inode)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            state = new DelegatedState(services.Inodes.AddReference(inode));
            maps.States[inode.Number.Value] = state;
        }
        state.IsAbandoned = false;
        return state;
    }

    /// <summary>Forgets a state in which nothing is left.</summary>
    private void Trim(DelegatedState? state)
    {
        if (state is { IsIdle: true } && maps.States.TryRemove(state.Inode.Number.Value, out _))
        {
            state.Reference.Dispose();
        }
    }

    /// <summary>Nobody can write to the file any more, and what was written is written out. What is left over is looked for
    /// when space runs short: a writer that was killed may have left data in the cache that is written later.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="isSizeStored">The size that was told is: else it is tried again when the file is forgotten.</param>
    public void Close(Inode inode, bool isSizeStored)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return;
        }
        state.PendingSizeBytes = isSizeStored ? 0 : state.PendingSizeBytes;
        state.Fresh = default;
        if (state.Reserved.IsEmpty && state.Placed.IsEmpty)
        {
            EndPromise(state);
        }
        state.IsAbandoned = true;
        Trim(state);
    }

    /// <summary>Gives back what is still only reserved, if still nobody can write to the file.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="includesPlaced">Also blocks that were told and are not in the map: nobody keeps a mapping of the file
    /// and nobody can write to it, which must be so while the inode's lock is held.</param>
    /// <returns>Whether there was anything.</returns>
    public bool ReleaseIfAbandoned(Inode inode, bool includesPlaced)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state) || !state.IsAbandoned
            || state.IsPinned)
        {
            return false;
        }
        bool isAny = !state.Reserved.IsEmpty || (includesPlaced && !state.Placed.IsEmpty);
        if (includesPlaced)
        {
            ReleaseRange(state, 0, ulong.MaxValue);
        }
        else
        {
            ReleaseReserved(state, 0, ulong.MaxValue);
        }
        if (state.Placed.IsEmpty)
        {
            EndPromise(state);
        }
        Trim(state);
        return isAny;
    }

    /// <summary>Blocks of a range were given, taken away or moved by something else: what was reserved there has what it
    /// was reserved for, or is not wanted any more.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="mode">What was done: punched or zeroed, all inside the range is gone, holes included; what moves blocks
    /// comes after everything behind the offset was written, so that what is still reserved there was left over.</param>
    public void BlocksChanged(Inode inode, long offset, long length, FallocateMode mode)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return;
        }
        if ((mode & (FallocateMode.PunchHole | FallocateMode.ZeroRange)) != 0)
        {
            ReleaseRange(state, CeilingBlock(offset), (ulong)(offset + length) >> _blockShift);
        }
        if ((mode & (FallocateMode.CollapseRange | FallocateMode.InsertRange)) != 0)
        {
            ReleaseRange(state, (ulong)offset >> _blockShift, ulong.MaxValue);
        }
        ulong end = EndBlock(offset, length);
        for (ulong block = (ulong)offset >> _blockShift; block < end;)
        {
            MapRun run = services.Map.Find(inode, (uint)block);
            if (run.IsMapped)
            {
                // Nodes stay kept for them: pages that were dirty before may still be written.
                Unreserve(state, block, Math.Min(run.End, end));
            }
            block = run.End;
        }
        Trim(state);
    }

    /// <summary>Whether anything is kept for an inode.</summary>
    public bool Knows(InodeNumber number) => maps.States.ContainsKey(number.Value);

    /// <summary>The inodes something is kept for.</summary>
    /// <param name="onlyAbandoned">Those nobody can write to.</param>
    public List<InodeNumber> List(bool onlyAbandoned)
    {
        var numbers = new List<InodeNumber>();
        foreach (DelegatedState state in maps.States.Values)
        {
            if (!onlyAbandoned || state.IsAbandoned)
            {
                numbers.Add(state.Inode.Number);
            }
        }
        return numbers;
    }

    /// <summary>Gives everything back: whoever moved the data knows nothing of the file any more.</summary>
    public void ReleaseAll(Inode inode)
    {
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            ReleaseRange(state, 0, ulong.MaxValue);
            state.PendingSizeBytes = 0;
            state.IsPinned = false;
            EndPromise(state);
            Trim(state);
        }
    }

    /// <summary>Nobody is writing in the range, and nobody keeps a mapping of it: also what was placed is free.</summary>
    private void ReleaseRange(DelegatedState state, ulong first, ulong end)
    {
        Unreserve(state, first, end);
        while (state.Placed.TryTake(first, end, out PlacedRun placed))
        {
            services.Allocator.Cancel(placed.Blocks);
        }
        Settle(state, first, end);
    }

    /// <summary>What has no blocks yet was told to nobody as a place: it can be given back at any time.</summary>
    private void ReleaseReserved(DelegatedState state, ulong first, ulong end)
    {
        while (state.Reserved.TryFindFrom(first, out ulong from, out ulong to) && from < end)
        {
            (from, to) = (Math.Max(from, first), Math.Min(to, end));
            Unreserve(state, from, to);
            Settle(state, from, to);
        }
        Unreserve(state, first, end);
    }

    private void Unreserve(DelegatedState state, ulong first, ulong end)
    {
        ulong released = state.Reserved.Remove(first, end);
        if (released > 0)
        {
            services.Allocator.Unhold(released);
            services.Inodes.Accounts?.Hold(state.Owner, -(long)released);
        }
        if (state.Fresh.End > first && state.Fresh.First < end)
        {
            state.Fresh = default;
        }
    }

    /// <summary>The blocks of a range are no longer owed to the map.</summary>
    private void Settle(DelegatedState state, ulong first, ulong end)
    {
        state.Owed.Remove(first, end);
        if (state.Owed.IsEmpty)
        {
            EndPromise(state);
        }
    }

    /// <summary>As <see cref="Settle"/>, without blocks that wait to be entered.</summary>
    private void SettleUnplaced(DelegatedState state, ulong first, ulong end)
    {
        while (first < end)
        {
            bool isAny = state.Placed.TryFindFrom(first, out PlacedRun placed) && placed.FirstFileBlock < end;
            Settle(state, first, isAny ? Math.Max(first, placed.FirstFileBlock) : end);
            first = isAny ? placed.EndFileBlock : end;
        }
    }

    private void EndPromise(DelegatedState state)
    {
        services.Allocator.EndPromise(state.PromisedClusters);
        state.PromisedClusters = 0;
        state.OwedNodes.Clear();
        state.Owed.Clear();
    }
}

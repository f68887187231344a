using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;

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
    public void Close(Inode inode)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return;
        }
        state.PendingSizeBytes = 0;
        state.Fresh = default;
        if (state.Reserved.IsEmpty && state.Placed.IsEmpty)
        {
            EndPromise(state);
        }
        state.IsAbandoned = true;
        Trim(state);
    }

    /// <summary>Gives back what is still only reserved, if still nobody can write to the file. What was placed stays: it
    /// was told, and may be being written.</summary>
    public void ReleaseIfAbandoned(Inode inode)
    {
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state) && state.IsAbandoned)
        {
            ReleaseReserved(state, 0, ulong.MaxValue);
            Trim(state);
        }
    }

    /// <summary>Blocks of a range were given, taken away or moved by something else: what was reserved there has what it
    /// was reserved for, or is not wanted any more.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="isPunched">What was inside the range is gone, holes included.</param>
    public void BlocksChanged(Inode inode, long offset, long length, bool isPunched)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return;
        }
        if (isPunched)
        {
            ReleaseRange(state, CeilingBlock(offset), (ulong)(offset + length) >> _blockShift);
        }
        ulong end = EndBlock(offset, length);
        for (ulong block = (ulong)offset >> _blockShift; block < end;)
        {
            MapRun run = services.Map.Find(inode, (uint)block);
            if (run.IsMapped)
            {
                ReleaseRange(state, block, Math.Min(run.End, end));
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
            state.PendingError = default;
            state.IsPinned = false;
            EndPromise(state);
            Trim(state);
        }
    }

    /// <summary>Nobody is writing in the range, and nobody keeps a mapping of it: also what was placed is free.</summary>
    private void ReleaseRange(DelegatedState state, ulong first, ulong end)
    {
        ReleaseReserved(state, first, end);
        ulong released = 0;
        while (state.Placed.TryTake(first, end, out PlacedRun placed))
        {
            services.Allocator.Cancel(placed.Blocks);
            released += placed.Blocks.LengthBlocks;
        }
        Settle(state, released);
    }

    /// <summary>What has no blocks yet was told to nobody as a place: it can be given back at any time.</summary>
    private void ReleaseReserved(DelegatedState state, ulong first, ulong end)
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
        Settle(state, released);
    }

    /// <summary>So many blocks are no longer owed to the map.</summary>
    private void Settle(DelegatedState state, ulong blocks)
    {
        state.OwedBlocks -= Math.Min(state.OwedBlocks, blocks);
        if (state.OwedBlocks == 0)
        {
            EndPromise(state);
        }
    }

    private void EndPromise(DelegatedState state)
    {
        services.Allocator.EndPromise(state.PromisedClusters);
        state.PromisedClusters = 0;
        state.OwedNodes.Clear();
        state.OwedBlocks = 0;
    }
}

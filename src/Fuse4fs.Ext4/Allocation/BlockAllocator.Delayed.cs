using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Allocation;

/// <content>Space for data whose place is chosen later.</content>
public sealed partial class BlockAllocator
{
    private readonly PromisedSpace _promises;

    /// <summary>Sets clusters aside without choosing them: for data that is accepted now and placed later.</summary>
    /// <param name="wantClusters">1 and up.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <returns>How many: possibly fewer than wanted, or 0.</returns>
    internal uint Hold(uint wantClusters, SpaceClaim claim) =>
        (uint)_counter.Claim(wantClusters, _limits.Floor(claim));

    /// <summary>Gives back what was set aside by <see cref="Hold"/> and not placed.</summary>
    internal void Unhold(ulong clusters) => _counter.Cancel((long)clusters);

    /// <summary>Chooses a place for clusters set aside before. They exist: only where the free space is damaged, or its
    /// numbers are too big for the owner's map, is there none.</summary>
    /// <param name="goal">Where and what for.</param>
    /// <param name="held">How many of the clusters held are wanted in one piece.</param>
    /// <param name="run">What was found, possibly shorter; so many are no longer held.</param>
    internal Errno Place(in AllocationGoal goal, uint held, out BlockRun run)
    {
        for (int attempt = 0; attempt < MaximumAttempts; attempt++)
        {
            long moves = Volatile.Read(ref _moves);
            uint wanted = goal.Windows?.Limit(goal.FileCluster, held) ?? held;
            if (goal.Windows?.TryTake(goal.FileCluster, wanted, out run) == true || TryLocate(in goal, wanted, out run))
            {
                _budget.Trim();
                return Errno.Ok;
            }
            if (ReleaseAllWindows() == 0 && !WaitForMovedSpace(moves))
            {
                break;
            }
        }
        run = default;
        return Errno.NoSpace;
    }

    /// <summary>A run that was placed is not needed: its clusters are held again.</summary>
    internal void Unplace(BlockRun run)
    {
        if (!run.IsEmpty)
        {
            GiveBack(run);
        }
    }

    /// <summary>Keeps clusters for nodes of maps (<see cref="SpaceClaim.Metadata"/>).</summary>
    /// <returns>False when there are not so many.</returns>
    internal bool TryPromise(long clusters, SpaceClaim claim) =>
        clusters <= 0 || _promises.TryPromise(clusters, _limits.Floor(claim));

    /// <summary>Ends such a promise.</summary>
    internal void EndPromise(long clusters)
    {
        if (clusters > 0)
        {
            _promises.Release(clusters);
        }
    }

    private long ClaimFree(uint wantClusters, SpaceClaim claim)
    {
        long granted = _counter.Claim(wantClusters, _limits.Floor(claim));
        return granted == 0 && claim == SpaceClaim.Metadata ? _promises.Take(wantClusters) : granted;
    }
}

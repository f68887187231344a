namespace Fuse4fs.Ext4.Allocation;

/// <summary>Counts what is free, clusters or inodes, exactly and without a lock, through all its states:
/// free, claimed (reserved in memory), used (committed in a handle), freed but not yet durable, free.</summary>
internal sealed class FreeCounter(long free)
{
    private long _free = free;
    private long _returning;
    private long _onDisk = free;

    /// <summary>What may be claimed. Preallocation windows count as free: they are given up when space runs
    /// short.</summary>
    public long Free => Volatile.Read(ref _free);

    /// <summary>Freed by transactions that are not durable yet, or whose blocks a request may still read.</summary>
    public long Returning => Volatile.Read(ref _returning);

    /// <summary>What statfs shows: free, and what will be as soon as a commit is durable.</summary>
    public long Shown => Math.Max(0, Free + Returning);

    /// <summary>The sum of the group descriptors' counts, for the superblock.</summary>
    public long OnDisk => Math.Max(0, Volatile.Read(ref _onDisk));

    /// <summary>Takes up to <paramref name="wanted"/> but leaves <paramref name="floor"/>.</summary>
    /// <returns>How many were taken, 0 to wanted.</returns>
    public long Claim(long wanted, long floor)
    {
        while (true)
        {
            long free = Free;
            long granted = Math.Min(wanted, free - floor);
            if (granted <= 0)
            {
                return 0;
            }
            if (Interlocked.CompareExchange(ref _free, free - granted, free) == free)
            {
                return granted;
            }
        }
    }

    /// <summary>Gives back what was claimed and not committed.</summary>
    public void Cancel(long count) => Interlocked.Add(ref _free, count);

    /// <summary>What was claimed is used on disk now.</summary>
    public void Commit(long count) => Interlocked.Add(ref _onDisk, -count);

    /// <summary>Free on disk, but not to be handed out yet.</summary>
    public void BeginReturn(long count)
    {
        Interlocked.Add(ref _onDisk, count);
        Interlocked.Add(ref _returning, count);
    }

    /// <summary>What began to return may be claimed.</summary>
    public void EndReturn(long count)
    {
        Interlocked.Add(ref _returning, -count);
        Interlocked.Add(ref _free, count);
    }

    /// <summary>Some of what was free cannot be used: its group is damaged.</summary>
    public void Exclude(long count) => Interlocked.Add(ref _free, -count);

    /// <summary>The count at opening was wrong by this much.</summary>
    public void Correct(long difference)
    {
        Interlocked.Add(ref _free, difference);
        Interlocked.Add(ref _onDisk, difference);
    }
}

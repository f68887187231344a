using Fuse4fs.Ext4.Inodes;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>What is known of a file whose data somebody else moves, beyond what its inode and map say: space he was
/// promised, a size he told of that is not stored yet. In memory only. Guarded by the inode's lock, unless said
/// otherwise; the inode's object stays in memory for as long as this is its.</summary>
internal sealed class DelegatedState(InodeReference reference)
{
    public Inode Inode => Reference.Inode;

    /// <summary>Keeps the object in memory.</summary>
    public InodeReference Reference { get; } = reference;

    /// <summary>File blocks that have space reserved and no blocks chosen.</summary>
    public BlockRanges Reserved { get; } = new();

    /// <summary>Blocks chosen for a block map and not entered yet.</summary>
    public PlacedRuns Placed { get; } = new();

    /// <summary>What the last question for a write newly reserved, until it is known how much of it was written.</summary>
    public (ulong First, ulong End) Fresh { get; set; }

    /// <summary>Whether there is anything in <see cref="Fresh"/>.</summary>
    public bool HasFresh => Fresh.First < Fresh.End;

    /// <summary>Blocks that may still have to be entered into the map, or change their state in it: what nodes are kept
    /// for.</summary>
    public BlockRanges Owed { get; } = new();

    /// <summary>Blocks of numbers that block maps may need for what is owed: (level, number).</summary>
    public HashSet<(int Level, ulong Node)> OwedNodes { get; } = [];

    /// <summary>Clusters kept for nodes of the map.</summary>
    public long PromisedClusters { get; set; }

    /// <summary>Whom reservations are counted for in quotas, from the first one until there are none.</summary>
    public InodeCharge Owner { get; set; }

    /// <summary>The file's end as its writer told it, bytes; 0 when it is stored, or not known.</summary>
    public long PendingSizeBytes { get; set; }

    /// <summary>Nobody can write to the file: what is still reserved was most likely left over by a writer that was killed.
    /// Racy: only a hint where to look when space runs short.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Swapping uses the blocks: they must stay.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Nothing here that would be missed.</summary>
    public bool IsIdle => Reserved.IsEmpty && Placed.IsEmpty && Owed.IsEmpty && PendingSizeBytes == 0
        && !IsPinned && PromisedClusters == 0;
}

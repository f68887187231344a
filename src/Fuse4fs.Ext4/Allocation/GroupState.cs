namespace Fuse4fs.Ext4.Allocation;

/// <summary>What is kept in memory of one group that allocation has touched. Guarded by the group's gate.</summary>
internal sealed class GroupState
{
    /// <summary>Clusters that may be handed out; null until first used, and after it was dropped to save
    /// memory.</summary>
    public FreeMap? Blocks;

    /// <summary>Inodes that may be handed out; null until first used, and after it was dropped.</summary>
    public FreeMap? Inodes;

    /// <summary>Clusters and inodes that a map shows as used and the bitmap on disk does not: reserved, held by a
    /// window, freed but not durable. A map cannot be rebuilt while there are any.</summary>
    public int Held;

    /// <summary>The block bitmap is damaged or unreadable: nothing is allocated or freed here.</summary>
    public bool AreBlocksDamaged;

    /// <summary>The inode bitmap is damaged or unreadable.</summary>
    public bool AreInodesDamaged;

    /// <summary>Clusters at which files that are being written end: what follows is left to them. Null for
    /// none.</summary>
    public List<int>? Frontiers;

    /// <summary>Used since the hand that drops maps last passed.</summary>
    public bool WasUsed;

    /// <summary>In the list of groups that hold maps.</summary>
    public bool IsListed;

    /// <summary>Inodes of the table known to be zeroed on disk or in use, counted from the first; -1 while
    /// unknown.</summary>
    public int ZeroedInodes = -1;

    /// <summary>How often clusters were returned.</summary>
    public int Returns;

    /// <summary>Every free run of at least this many clusters has been discarded since the last one was returned; 0 for
    /// none. Kernel: EXT4_GROUP_INFO_WAS_TRIMMED.</summary>
    public int TrimmedRuns;
}

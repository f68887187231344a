using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Where blocks are wanted and what for.</summary>
public readonly record struct AllocationGoal
{
    /// <summary>The inode that will own the blocks: they go near it when nothing better is known.</summary>
    public required InodeNumber Owner { get; init; }

    /// <summary>Contents of a regular file: kept apart from directories and tree blocks where groups are
    /// flexible.</summary>
    public bool IsFileData { get; init; }

    /// <summary>The owner can only name blocks below 2^32: it has a block map, or none.</summary>
    public bool IsBlockMapped { get; init; }

    /// <summary>The device block that would continue what lies before in the file; 0 for none.</summary>
    public FsBlock Near { get; init; }

    /// <summary>First cluster of the file that is wanted. Needed with <see cref="Windows"/>.</summary>
    public uint FileCluster { get; init; }

    /// <summary>Clusters from <see cref="FileCluster"/> on that the file has not mapped yet; 0 when not
    /// known.</summary>
    public uint HoleClusters { get; init; }

    /// <summary>Clusters the file will have after this write, holes included: how far ahead space is kept for
    /// it.</summary>
    public ulong FileClusters { get; init; }

    /// <summary>The file's preallocation windows; null when none are to be used or made.</summary>
    public Preallocation? Windows { get; init; }
}

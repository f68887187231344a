using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Who counts what inodes take, and limits it: the quotas. Told whenever an inode is stored.</summary>
internal interface IInodeAccounts
{
    /// <summary>Blocks that <see cref="Move"/> changes at most while owners stay the same.</summary>
    int Credits { get; }

    /// <summary>Blocks beyond these that a change of owners takes.</summary>
    int TransferCredits { get; }

    /// <summary>An inode is counted differently from now on.</summary>
    /// <param name="handle">That stores the inode.</param>
    /// <param name="before">As it was counted.</param>
    /// <param name="after">As it is.</param>
    void Move(Handle handle, in InodeCharge before, in InodeCharge after);

    /// <summary>Makes sure that owners can be charged. Before a handle.</summary>
    /// <returns>NoSpace, ReadOnly, or Ok.</returns>
    Errno Prepare(in InodeCharge charge);

    /// <summary>How many clusters more an inode may get.</summary>
    /// <param name="inode">Whose owners' limits count.</param>
    /// <param name="wantClusters">1 and up.</param>
    /// <param name="isPrivileged">No limit holds.</param>
    /// <returns>As many as wanted, fewer, or 0.</returns>
    uint LimitSpace(Inode inode, uint wantClusters, bool isPrivileged);

    /// <summary>Space is kept for data that was accepted and will be charged later, or is so no more.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="clusters">How many more; negative for fewer.</param>
    void Hold(in InodeCharge owner, long clusters);

    /// <summary>Whether owners may have one inode more.</summary>
    /// <returns>QuotaExceeded, or Ok.</returns>
    Errno CheckNew(in InodeCharge charge, bool isPrivileged);

    /// <summary>Whether an inode's new owners may have it.</summary>
    /// <param name="before">As it is.</param>
    /// <param name="after">As it is to be.</param>
    /// <param name="isPrivileged">No limit holds.</param>
    /// <returns>QuotaExceeded, or Ok.</returns>
    Errno CheckTransfer(in InodeCharge before, in InodeCharge after, bool isPrivileged);
}

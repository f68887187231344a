using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>What one transaction has freed.</summary>
internal sealed class FreedBatch(FreedSpace owner, uint transactionId) : ICommitAction
{
    /// <summary>Whose.</summary>
    public uint TransactionId { get; } = transactionId;

    /// <summary>Guarded by the owner's gate until the commit.</summary>
    public List<GroupPart> Blocks { get; } = [];

    /// <summary>Guarded by the owner's gate until the commit.</summary>
    public List<InodeNumber> Inodes { get; } = [];

    /// <summary>The grace period to wait for, set when the commit is durable.</summary>
    public long EpochMark { get; set; }

    /// <inheritdoc/>
    public void TransactionEnded(bool isDurable)
    {
        // After an abort nothing may be written any more: what was freed stays where it is until the next mount.
        if (isDurable)
        {
            owner.OnDurable(this);
        }
    }
}

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Something to do once a transaction is durable, such as giving freed blocks back. Runs on the commit
/// thread, in the order of registration, before those who wait for the transaction go on. Takes nothing above the
/// journal handle in the lock order and begins no handle.</summary>
public interface ICommitAction
{
    /// <summary>The transaction ended.</summary>
    /// <param name="isDurable">False when the journal was aborted first: what was freed stays unusable.</param>
    void TransactionEnded(bool isDurable);
}

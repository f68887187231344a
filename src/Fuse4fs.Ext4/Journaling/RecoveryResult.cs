namespace Fuse4fs.Ext4.Journaling;

/// <summary>What recovery found and did.</summary>
/// <param name="EndSequence">The first transaction that was not committed; an id that may have been used by a torn
/// commit, so the next one to use is the one behind it.</param>
/// <param name="HeadBlock">The log block behind the last committed transaction.</param>
/// <param name="TransactionCount">Transactions replayed.</param>
/// <param name="BlockCount">Distinct blocks written to the target.</param>
/// <param name="RevokedCount">Logged copies that a revoke record kept from being written.</param>
internal readonly record struct RecoveryResult(
    uint EndSequence, uint HeadBlock, uint TransactionCount, uint BlockCount, uint RevokedCount)
{
    /// <summary>Records of fast commits replayed.</summary>
    public uint FastCommitRecords { get; init; }
}

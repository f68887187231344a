using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Everything committed that a log holds, in the order of commitment.</summary>
internal sealed class LogContents
{
    /// <summary>The first transaction that is not in the log.</summary>
    public uint EndSequence { get; set; }

    /// <summary>The log block behind the last committed transaction.</summary>
    public uint HeadBlock { get; set; }

    /// <summary>Transactions found.</summary>
    public uint TransactionCount { get; set; }

    /// <summary>Logged blocks, oldest first.</summary>
    public List<LoggedBlock> Blocks { get; } = [];

    /// <summary>Revoked blocks, each with the newest transaction that revoked it.</summary>
    public Dictionary<FsBlock, uint> Revokes { get; } = [];

    /// <summary>True when the block's copy was revoked by its own or a later transaction.</summary>
    public bool IsRevoked(in LoggedBlock block) =>
        Revokes.TryGetValue(block.Tag.Home, out uint by) && !TransactionId.IsAfter(block.Sequence, by);
}

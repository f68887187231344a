namespace Fuse4fs.Ext4.Journaling;

/// <summary>What a journal said when its volume was opened, before anything was replayed.</summary>
public sealed record JournalFacts
{
    /// <summary>On a device of its own.</summary>
    public required bool IsExternal { get; init; }

    /// <summary>Blocks of the whole journal.</summary>
    public required uint LengthBlocks { get; init; }

    public required int BlockSizeBytes { get; init; }

    /// <summary>s_sequence: the transaction at <see cref="StartBlock"/>.</summary>
    public required uint Sequence { get; init; }

    /// <summary>s_start: 0 when the log was empty.</summary>
    public required uint StartBlock { get; init; }

    /// <summary>s_errno: why the last user gave it up; 0 when it did not.</summary>
    public required int Error { get; init; }

    /// <summary>Names of its features as dumpe2fs prints them, separated by spaces.</summary>
    public required string Features { get; init; }

    /// <summary>Transactions replayed when the volume was opened, in place or in memory.</summary>
    public required uint ReplayedTransactions { get; init; }

    /// <summary>Distinct blocks that the replay wrote.</summary>
    public required uint ReplayedBlocks { get; init; }
}

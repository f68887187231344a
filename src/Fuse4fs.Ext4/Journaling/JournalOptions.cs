namespace Fuse4fs.Ext4.Journaling;

/// <summary>How a journal is run.</summary>
public sealed record JournalOptions
{
    /// <summary>What commit=0 means, too.</summary>
    public static readonly TimeSpan DefaultCommitInterval = TimeSpan.FromSeconds(5);

    /// <summary>The oldest change is committed after this time (commit=).</summary>
    public TimeSpan CommitInterval { get; init; } = DefaultCommitInterval;

    /// <summary>Bound of one transaction's blocks, beside a third of the journal.</summary>
    public long TransactionBytes { get; init; } = 16L << 20;

    /// <summary>Bound of the committed blocks that wait to be written home.</summary>
    public long BacklogBytes { get; init; } = 16L << 20;

    /// <summary>Committed blocks are written home after this time at the latest.</summary>
    public TimeSpan CheckpointAge { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where the volume is mounted, for the superblock; null when it is not. A longer one than fits is not
    /// remembered.</summary>
    public string? MountPoint { get; init; }

    /// <summary>Broken on purpose, for the tests that must notice.</summary>
    internal JournalFaults Faults { get; init; } = JournalFaults.None;

    /// <summary>Takes the place of the operating system's threads and waits, for tests.</summary>
    internal IJournalScheduler? Scheduler { get; init; }
}

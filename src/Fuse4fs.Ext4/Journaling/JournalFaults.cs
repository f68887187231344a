namespace Fuse4fs.Ext4.Journaling;

/// <summary>Steps that a test leaves out, to prove that it notices when they are missing.</summary>
internal sealed record JournalFaults
{
    /// <summary>A journal that works.</summary>
    public static readonly JournalFaults None = new();

    /// <summary>No flush between the transaction's blocks and its commit block.</summary>
    public bool SkipFlushBeforeCommit { get; init; }

    /// <summary>No flush behind the commit block.</summary>
    public bool SkipFlushAfterCommit { get; init; }

    /// <summary>No flush between home writes and the new tail.</summary>
    public bool SkipFlushBeforeTail { get; init; }

    /// <summary>The tail moves before the home writes.</summary>
    public bool MoveTailEarly { get; init; }

    /// <summary>No revoke records.</summary>
    public bool DropRevokes { get; init; }

    /// <summary>Freed blocks stay on the checkpoint list.</summary>
    public bool KeepFreedOnCheckpointList { get; init; }
}

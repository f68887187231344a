using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>What the journal knows of one cached block. Guarded by the journal's gate, but for the two fields that an
/// open handle may look at. One per frame, made at the first change and kept with the frame.</summary>
internal sealed class JournalBlock(BlockFrame frame)
{
    private volatile Transaction? _running;
    private volatile bool _isForgotten;

    public BlockFrame Frame { get; } = frame;

    /// <summary>The transaction that takes changes and has this block.</summary>
    public Transaction? Running
    {
        get => _running;
        set => _running = value;
    }

    /// <summary>Freed in <see cref="Running"/>: its contents are of no interest any more.</summary>
    public bool IsForgotten
    {
        get => _isForgotten;
        set => _isForgotten = value;
    }

    /// <summary>The transaction that is being written and has a copy of this block.</summary>
    public Transaction? Committing { get; set; }

    /// <summary>The newest durable transaction with this block; its copy has still to be written home.</summary>
    public Transaction? Checkpoint { get; set; }

    /// <summary>Which copy in <see cref="Committing"/>.</summary>
    public int CommittingSlot { get; set; }

    /// <summary>Which copy in <see cref="Checkpoint"/>.</summary>
    public int CheckpointSlot { get; set; }

    /// <summary>Neighbours on the checkpoint list.</summary>
    public JournalBlock? Next { get; set; }

    /// <summary>Neighbours on the checkpoint list.</summary>
    public JournalBlock? Previous { get; set; }

    /// <summary>A home write of this block is under way.</summary>
    public bool IsBeingWritten { get; set; }

    /// <summary>The journal holds a pin on the frame.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Nothing refers to the block any more.</summary>
    public bool IsIdle => _running is null && Committing is null && Checkpoint is null;

    /// <summary>Whether an open handle of the transaction may just write.</summary>
    public bool BelongsTo(Transaction transaction) => _running == transaction && !_isForgotten;
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Changes that reach the disk together or not at all. Guarded by the journal's gate until it is locked, then
/// owned by the commit thread.</summary>
internal sealed class Transaction(uint id, long openedAt)
{
    public uint Id { get; } = id;

    /// <summary>When it was opened, as a time stamp of the clock.</summary>
    public long OpenedAt { get; } = openedAt;

    /// <summary>When it became durable, as a time stamp of the clock.</summary>
    public long CommittedAt { get; set; }

    /// <summary>Open handles.</summary>
    public int HandleCount { get; set; }

    /// <summary>Takes no new handles: it is about to be written.</summary>
    public bool IsLocked { get; set; }

    /// <summary>Blocks that open handles may still add.</summary>
    public int ReservedBlocks { get; set; }

    /// <summary>Revoke records that open handles may still add.</summary>
    public int ReservedRevokes { get; set; }

    /// <summary>Blocks joined, freed ones included.</summary>
    public List<JournalBlock> Blocks { get; } = [];

    /// <summary>Freed journaled blocks; written as revoke records.</summary>
    public HashSet<FsBlock> Revokes { get; } = [];

    /// <summary>Freed blocks that were in the cache: on no checkpoint list from the commit on.</summary>
    public List<JournalBlock> Forgotten { get; } = [];

    /// <summary>To be done after the commit.</summary>
    public List<ICommitAction> Actions { get; } = [];

    /// <summary>The committed copies; null once nothing needs them any more.</summary>
    public TransactionImage? Image { get; set; }

    /// <summary>First log block.</summary>
    public uint LogStart { get; set; }

    /// <summary>Blocks that still wait to be written home.</summary>
    public int CheckpointCount { get; private set; }

    /// <summary>First of the blocks that wait to be written home.</summary>
    public JournalBlock? CheckpointHead { get; private set; }

    /// <summary>Nothing was changed and nothing has to happen.</summary>
    public bool IsEmpty => Blocks.Count == 0 && Revokes.Count == 0;

    /// <summary>Puts a block on the checkpoint list.</summary>
    public void AddCheckpoint(JournalBlock block, int slot)
    {
        block.Checkpoint = this;
        block.CheckpointSlot = slot;
        block.Previous = null;
        block.Next = CheckpointHead;
        if (CheckpointHead is not null)
        {
            CheckpointHead.Previous = block;
        }
        CheckpointHead = block;
        CheckpointCount++;
    }

    /// <summary>Takes a block from the checkpoint list.</summary>
    public void RemoveCheckpoint(JournalBlock block)
    {
        if (block.Previous is null)
        {
            CheckpointHead = block.Next;
        }
        else
        {
            block.Previous.Next = block.Next;
        }
        if (block.Next is not null)
        {
            block.Next.Previous = block.Previous;
        }
        block.Next = null;
        block.Previous = null;
        block.Checkpoint = null;
        CheckpointCount--;
    }
}

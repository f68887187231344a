namespace Fuse4fs.Ext4.Journaling;

/// <summary>Which part of the log is in use. Guarded by the journal's gate.</summary>
/// <remarks>The head may only come up to the tail that is <em>durable</em>: a tail on its way to the disk frees
/// nothing yet, because after a power cut replay would start at the old one.</remarks>
internal sealed class LogSpace(JournalGeometry geometry, uint firstSequence)
{
    /// <summary>Where the next transaction goes.</summary>
    public uint Head { get; private set; } = geometry.FirstBlock;

    /// <summary>The tail that a power cut would leave.</summary>
    public LogTail Tail { get; private set; } = new(firstSequence, geometry.FirstBlock);

    /// <summary>Blocks in use.</summary>
    public uint UsedBlocks => geometry.Distance(Tail.Block, Head);

    /// <summary>Blocks that may be written. One is always left, so that a full log and an empty one differ.</summary>
    public uint FreeBlocks => geometry.LogBlocks - UsedBlocks - 1;

    /// <summary>Takes space for a transaction.</summary>
    /// <returns>Its first block.</returns>
    public uint Take(uint blocks)
    {
        if (blocks > FreeBlocks)
        {
            throw new InvalidOperationException($"{blocks} log blocks wanted, {FreeBlocks} free");
        }
        uint start = Head;
        Head = geometry.Advance(Head, blocks);
        return start;
    }

    /// <summary>A newer tail is durable.</summary>
    public void MoveTail(LogTail tail)
    {
        if (TransactionId.IsAfter(tail.Sequence, Tail.Sequence))
        {
            Tail = tail;
        }
    }
}

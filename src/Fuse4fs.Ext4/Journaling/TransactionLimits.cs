namespace Fuse4fs.Ext4.Journaling;

/// <summary>How large a transaction may become, so that it and the one before it always fit into the log.</summary>
internal sealed class TransactionLimits
{
    /// <summary>What a handle may forget when it does not say.</summary>
    public const int DefaultForgets = 16;

    private const int SmallestRevokeBlocks = 2;

    /// <summary>Derives the limits.</summary>
    /// <param name="log">Null without a journal.</param>
    /// <param name="blockBytes">Bytes of a block.</param>
    /// <param name="options">The caps.</param>
    public TransactionLimits(JournalGeometry? log, int blockBytes, JournalOptions options)
    {
        int byMemory = (int)Math.Clamp(options.TransactionBytes / blockBytes, 64, 1 << 20);
        if (log is null)
        {
            Blocks = byMemory - 1;
            Revokes = int.MaxValue / 2;
            return;
        }
        int blocks = (int)Math.Min((uint)byMemory, log.LogBlocks / 3);
        int revokeBlocks = Math.Max(SmallestRevokeBlocks, blocks / 32);
        Blocks = blocks - 1;
        Revokes = revokeBlocks * log.RevokesPerBlock;
        LogBlocks = (uint)TransactionImage.LogBlocksFor(log, blocks, revokeBlocks);
    }

    /// <summary>Blocks that handles may change in one transaction; one more is kept for the superblock.</summary>
    public int Blocks { get; }

    /// <summary>Revoke records of one transaction.</summary>
    public int Revokes { get; }

    /// <summary>Log blocks that the largest transaction takes: free before one is opened.</summary>
    public uint LogBlocks { get; }
}

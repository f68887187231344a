using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Adds one transaction to a log that was just replayed and is not running yet.</summary>
internal static class LogAppender
{
    /// <summary>Writes the blocks as the transaction behind the last one, durably. Does nothing when the log has no
    /// room for them: then a crash while they are written home is repaired by replaying everything once more.</summary>
    /// <exception cref="Storage.DeviceException">A write or flush failed.</exception>
    public static void Append(
        JournalSource journal, in RecoveryResult replayed, IReadOnlyList<(FsBlock Block, byte[] Bytes)> blocks,
        DateTimeOffset now)
    {
        JournalGeometry geometry = journal.Geometry;
        uint used = geometry.Distance(journal.StartBlock, replayed.HeadBlock);
        uint needed = (uint)TransactionImage.LogBlocksFor(geometry, blocks.Count, 0);
        if (used + needed >= geometry.LogBlocks)
        {
            return;
        }
        var image = new TransactionImage(
            geometry, geometry.BlockSizeBytes, replayed.EndSequence, blocks.Count, 0, new BufferPool(0));
        for (int slot = 0; slot < blocks.Count; slot++)
        {
            image.Put(slot, blocks[slot].Block, blocks[slot].Bytes);
        }
        image.Seal([], now);
        Write(journal, replayed.HeadBlock, image.Body);
        journal.Log.Device.Flush();
        uint commit = geometry.Advance(replayed.HeadBlock, needed - 1);
        Write(journal, commit, image.Commit);
        journal.Log.Device.Flush();
    }

    private static void Write(JournalSource journal, uint logBlock, ReadOnlySpan<byte> bytes)
    {
        JournalGeometry geometry = journal.Geometry;
        int first = (int)Math.Min(bytes.Length, (long)(geometry.EndBlock - logBlock) * geometry.BlockSizeBytes);
        journal.Log.Write(logBlock, bytes[..first]);
        if (first < bytes.Length)
        {
            journal.Log.Write(geometry.FirstBlock, bytes[first..]);
        }
    }
}

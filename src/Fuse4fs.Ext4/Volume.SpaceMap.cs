using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Says whose the blocks of a range are.</summary>
    /// <param name="firstBlock">First block.</param>
    /// <param name="lastBlock">Last block; more than the volume has means up to its end.</param>
    /// <param name="records">In order and without gaps. Enumerating takes long on large volumes: not on a thread that
    /// serves requests. It throws as reading does.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>ReadOnly for a volume opened read-only, whose free space nobody keeps account of; or Ok.</returns>
    /// <remarks>Kernel: ext4_getfsmap.</remarks>
    public Errno MapSpace(
        ulong firstBlock, ulong lastBlock, CancellationToken cancellation, out IEnumerable<SpaceRecord> records)
    {
        records = [];
        if (Space is null)
        {
            return Errno.ReadOnly;
        }
        ulong end = Context.Geometry.BlockCount;
        if (firstBlock < end && lastBlock >= Context.Geometry.FirstDataBlock)
        {
            records = Space.Map.Walk(
                new FsBlock(firstBlock), new FsBlock(Math.Min(lastBlock, end - 1)), cancellation);
        }
        return Errno.Ok;
    }

    /// <summary>The journal on a device of its own.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryMapExternalJournal(out SpaceRecord record)
    {
        record = default;
        if (JournalFacts is not { IsExternal: true } facts)
        {
            return false;
        }
        // In front of it are boot block and superblock of its device. Kernel: ext4_get_journal_blkdev.
        int end = ExternalJournalHeader.OffsetBytes + Superblock.SizeBytes;
        var start = (ulong)((end + facts.BlockSizeBytes - 1) / facts.BlockSizeBytes);
        record = new SpaceRecord(new FsBlock(start), facts.LengthBlocks, SpaceOwner.ExternalJournal);
        return true;
    }
}

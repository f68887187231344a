using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.FastCommits;

/// <summary>The second part of recovery, behind the replay of the log.</summary>
/// <remarks>What the fast commits amount to is first appended to the log as an ordinary transaction, where there is
/// room, and only then written home: a crash in between finds either the fast commits or their result, never a mixture.
/// Its id is the one that the fast commits name, so that they count no more once it is there.</remarks>
internal static class FastCommitRecovery
{
    /// <summary>Replays the fast commits behind the last full one, if there are any.</summary>
    /// <param name="journal">The journal.</param>
    /// <param name="replayed">What the replay of the log found.</param>
    /// <param name="target">The file system's device, or an overlay over it; the log is replayed into it.</param>
    /// <param name="isInPlace">The target is the device itself.</param>
    /// <param name="clock">What time it is.</param>
    /// <returns>The result, the fast commits included.</returns>
    /// <exception cref="Ext4CorruptException">The records do not fit the volume, or it is damaged; nothing of them was
    /// written.</exception>
    /// <exception cref="DeviceException">A read, write or flush failed; run recovery again.</exception>
    public static RecoveryResult Run(
        JournalSource journal, RecoveryResult replayed, IBlockDevice target, bool isInPlace, TimeProvider clock)
    {
        if (journal.StartBlock == 0 || !journal.Geometry.HasFastCommits)
        {
            return replayed;
        }
        Superblock super = default;
        target.Read(Superblock.PrimaryOffsetBytes, MemoryMarshal.AsBytes(new Span<Superblock>(ref super)));
        Geometry geometry = Geometry.Decode(in super, Superblock.PrimaryOffsetBytes, target.LengthBytes);
        IReadOnlyList<FastCommitRecord> records =
            new FastCommitScanner(journal, geometry.InodeSizeBytes).Scan(replayed.EndSequence);
        if (records.Count == 0)
        {
            return replayed;
        }
        IReadOnlyList<(FsBlock Block, byte[] Bytes)> changed =
            FastCommitReplay.Compute(target, geometry, in super, records, clock.GetUtcNow());
        if (isInPlace)
        {
            LogAppender.Append(journal, replayed, changed, clock.GetUtcNow());
        }
        foreach ((FsBlock block, byte[] bytes) in changed)
        {
            target.Write(checked((long)block.Value * geometry.BlockSizeBytes), bytes);
        }
        target.Flush();
        return replayed with
        {
            EndSequence = TransactionId.Next(replayed.EndSequence),
            FastCommitRecords = (uint)records.Count,
        };
    }
}

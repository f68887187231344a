using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Brings a file system to the state of its last committed transaction.</summary>
/// <remarks>The whole log is read and verified before the first block is written, so a damaged log changes nothing.
/// Each home block is written once, with its newest copy. Running it again, also after a crash in its middle, gives
/// the same result: the log itself is not touched here. Docs: ext4/journal.</remarks>
internal sealed class JournalRecovery
{
    private const int BatchBytes = 1024 * 1024;

    private readonly LogDevice _log;
    private readonly JournalGeometry _geometry;
    private readonly IBlockDevice _target;
    private readonly LogReader _reader;

    private JournalRecovery(LogDevice log, JournalGeometry geometry, IBlockDevice target)
    {
        _log = log;
        _geometry = geometry;
        _target = target;
        _reader = new LogReader(log);
    }

    /// <summary>Replays the log into the target and flushes it. An empty log is left alone.</summary>
    /// <param name="journal">The opened journal.</param>
    /// <param name="target">The file system's device, or an overlay over it.</param>
    /// <param name="volumeBlocks">Blocks of the file system.</param>
    /// <exception cref="Ext4CorruptException">The log is damaged; nothing was written.</exception>
    /// <exception cref="DeviceException">A read, write or flush failed; run again.</exception>
    public static RecoveryResult Run(JournalSource journal, IBlockDevice target, ulong volumeBlocks)
    {
        if (journal.StartBlock == 0)
        {
            return new RecoveryResult(journal.Sequence, 0, 0, 0, 0);
        }
        var scanner = new LogScanner(journal.Log, journal.Geometry, volumeBlocks);
        LogContents contents = scanner.Scan(journal.Sequence, journal.StartBlock);
        return new JournalRecovery(journal.Log, journal.Geometry, target).Replay(contents);
    }

    /// <summary>Reads the log without replaying it, because the file system says that it needs none: only to learn
    /// which transaction ids are used up. Damage in such a log does not matter.</summary>
    /// <exception cref="DeviceException">A read failed.</exception>
    public static RecoveryResult Skip(JournalSource journal, ulong volumeBlocks)
    {
        if (journal.StartBlock == 0)
        {
            return new RecoveryResult(journal.Sequence, 0, 0, 0, 0);
        }
        try
        {
            var scanner = new LogScanner(journal.Log, journal.Geometry, volumeBlocks);
            uint end = scanner.Scan(journal.Sequence, journal.StartBlock).EndSequence;
            return new RecoveryResult(end, 0, 0, 0, 0);
        }
        catch (Ext4CorruptException)    // no more ids than blocks can be used up
        {
            return new RecoveryResult(unchecked(journal.Sequence + journal.Geometry.LogBlocks), 0, 0, 0, 0);
        }
    }

    private RecoveryResult Replay(LogContents contents)
    {
        uint revoked = 0;
        var newest = new Dictionary<FsBlock, LoggedBlock>();
        foreach (LoggedBlock block in contents.Blocks)
        {
            if (contents.IsRevoked(in block))
            {
                revoked++;
            }
            else
            {
                Verify(in block);
                newest[block.Tag.Home] = block;
            }
        }
        LoggedBlock[] order = [.. newest.Values];
        Array.Sort(order, static (left, right) => left.Tag.Home.CompareTo(right.Tag.Home));
        Write(order);
        if (order.Length > 0)
        {
            _target.Flush();
        }
        return new RecoveryResult(
            contents.EndSequence, contents.HeadBlock, contents.TransactionCount, (uint)order.Length, revoked);
    }

    private void Verify(in LoggedBlock block)
    {
        if (!_geometry.Matches(block.Tag, _reader.Block(block.LogBlock), block.Sequence))
        {
            Ext4CorruptException.Throw(Corruption.JournalChecksum,
                $"journal transaction {block.Sequence}: copy of block {block.Tag.Home}");
        }
    }

    private void Write(LoggedBlock[] order)
    {
        int blockBytes = _geometry.BlockSizeBytes;
        byte[] batch = GC.AllocateUninitializedArray<byte>(Math.Max(BatchBytes, blockBytes), pinned: true);
        int used = 0;
        for (int i = 0; i < order.Length; i++)
        {
            Span<byte> copy = batch.AsSpan(used, blockBytes);
            _reader.Block(order[i].LogBlock).CopyTo(copy);
            if ((order[i].Tag.Flags & LoggedBlockFlags.Escaped) != 0)
            {
                BinaryPrimitives.WriteUInt32BigEndian(copy, JournalBlockHeader.ExpectedMagic);
            }
            used += blockBytes;
            bool isLast = i + 1 == order.Length || order[i + 1].Tag.Home != order[i].Tag.Home + 1;
            if (isLast || used + blockBytes > batch.Length)
            {
                ulong first = order[i].Tag.Home.Value + 1 - (ulong)(used / blockBytes);
                _target.Write(checked((long)first * blockBytes), batch.AsSpan(0, used));
                used = 0;
            }
        }
    }
}

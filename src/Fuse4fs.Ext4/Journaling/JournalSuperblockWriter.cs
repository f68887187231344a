using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>The journal superblock on disk. Its changes keep an order even when commit and checkpoint write at once:
/// an older tail never overwrites a newer one.</summary>
internal sealed class JournalSuperblockWriter(
    LogDevice log, byte[] block, JournalGate gate)
{
    private uint _writtenSequence;
    private bool _isEmpty = true;
    private bool _isBusy;

    private ref JournalSuperblock Super => ref Disk.At<JournalSuperblock>(block.AsSpan(), 0);

    /// <summary>Marks the log empty: replay has nothing to do.</summary>
    /// <param name="nextSequence">The transaction to be written next.</param>
    /// <param name="head">Where it will be written.</param>
    public void WriteEmpty(uint nextSequence, uint head) => Exclusively(() =>
    {
        ref JournalSuperblock super = ref Super;
        super.Sequence = nextSequence;
        super.StartBlock = 0;
        super.HeadBlock = head;
        _writtenSequence = nextSequence;
        _isEmpty = true;
        return true;
    });

    /// <summary>Writes a tail unless that or a newer one was written. Not flushed.</summary>
    public void WriteTail(LogTail tail) => Exclusively(() => TrySetTail(tail));

    /// <summary>Writes the first tail of an empty log; nothing when it has one. Not flushed: the flush before the
    /// commit block is early enough.</summary>
    public void WriteFirstTail(LogTail tail) => Exclusively(() => _isEmpty && TrySetTail(tail));

    /// <summary>Records why the journal was aborted, for the next mount. Not flushed.</summary>
    public void WriteError(Errno error) => Exclusively(() =>
    {
        Super.RawError = unchecked((uint)-(int)error);
        return true;
    });

    private bool TrySetTail(LogTail tail)
    {
        if (!_isEmpty && !TransactionId.IsAfter(tail.Sequence, _writtenSequence))
        {
            return false;
        }
        ref JournalSuperblock super = ref Super;
        super.Sequence = tail.Sequence;
        super.StartBlock = tail.Block;
        _writtenSequence = tail.Sequence;
        _isEmpty = false;
        return true;
    }

    /// <summary>One writer at a time, from the change of the bytes to the end of the write.</summary>
    private void Exclusively(Func<bool> change)
    {
        using (gate.Enter())
        {
            while (_isBusy)
            {
                gate.Wait();
            }
            _isBusy = true;
        }
        try
        {
            if (change())
            {
                Write();
            }
        }
        finally
        {
            using (gate.Enter())
            {
                _isBusy = false;
                gate.PulseAll();
            }
        }
    }

    private void Write()
    {
        ref JournalSuperblock super = ref Super;
        const JournalIncompatFeatures covered =
            JournalIncompatFeatures.ChecksumV2 | JournalIncompatFeatures.ChecksumV3;
        if (super.Header.Kind == JournalBlockKind.SuperblockV2 && (super.Incompat & covered) != 0)
        {
            super.Checksum = JournalSuperblock.ComputeChecksum(block.AsSpan(0, JournalSuperblock.SizeBytes));
        }
        log.Write(log.SuperblockAt, block);
    }
}

using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Walks the log from its start and collects every committed transaction.</summary>
/// <remarks>
/// <para>The log has no end mark: it ends where something other than the expected transaction stands. What stands
/// there tells the normal end from damage:</para>
/// <para>End: no magic number; another transaction's number (an older lap, or a torn commit that a later mount
/// skipped); an unknown block type; the blocks of a transaction without its commit block (power failed first); a
/// block with a wrong checksum whose commit block is missing or is <em>older</em> than the previous commit (left by
/// an earlier life of this log, whose numbers were reused); with asynchronous commits also a last transaction whose
/// checksum does not fit, because its commit block may have overtaken its blocks.</para>
/// <para>Damage: a descriptor, revoke or commit block with a wrong checksum inside a transaction whose commit block
/// is there and not older than the previous one. A commit block is written only after a flush of everything before
/// it, so power failure cannot explain it. Then nothing is replayed: e2fsck decides.</para>
/// <para>Kernel: do_one_pass. Docs: ext4/journal.</para>
/// </remarks>
internal sealed class LogScanner(LogDevice log, JournalGeometry geometry, ulong volumeBlocks)
{
    private readonly LogReader _reader = new(log);
    private readonly LogContents _contents = new();
    private readonly List<(FsBlock Block, uint Sequence)> _pendingRevokes = [];
    private uint _sequence;
    private uint _position;
    private uint _visitedBlocks;
    private int _committedBlocks;
    private uint _crc = Crc32BigEndian.Start;
    private ulong _lastCommitSeconds;
    private bool _isSuspect;
    private bool _isTorn;
    private bool _isPastFailedCommit;

    /// <summary>Collects from the given start. Writes nothing.</summary>
    /// <exception cref="Ext4CorruptException">The log is damaged, as defined above.</exception>
    public LogContents Scan(uint sequence, uint startBlock)
    {
        (_sequence, _position) = (sequence, startBlock);
        (_contents.EndSequence, _contents.HeadBlock) = (sequence, startBlock);
        while (_visitedBlocks < geometry.LogBlocks && ScanBlock())
        {
        }
        _contents.Blocks.RemoveRange(_committedBlocks, _contents.Blocks.Count - _committedBlocks);
        return _contents;
    }

    private bool ScanBlock()
    {
        ReadOnlySpan<byte> block = Take();
        JournalBlockHeader header = System.Runtime.InteropServices.MemoryMarshal.Read<JournalBlockHeader>(block);
        if (!header.HasMagic || header.Sequence != _sequence)
        {
            return false;
        }
        switch (header.Kind)
        {
            case JournalBlockKind.Descriptor:
                ScanDescriptor(block);
                return true;
            case JournalBlockKind.Revoke:
                ScanRevokes(block);
                return true;
            case JournalBlockKind.Commit:
                return ScanCommit(block);
            default:
                return false;
        }
    }

    private ReadOnlySpan<byte> Take()
    {
        ReadOnlySpan<byte> block = _reader.Block(_position);
        _position = geometry.Next(_position);
        _visitedBlocks++;
        return block;
    }

    private void ScanDescriptor(ReadOnlySpan<byte> block)
    {
        _isSuspect |= !geometry.HasValidTail(block);
        if (geometry.HasChecksumV1)
        {
            _crc = Crc32BigEndian.Append(_crc, block);
        }
        var tags = new BlockTagReader(geometry, block);
        int first = _contents.Blocks.Count;
        while (tags.MoveNext())
        {
            _contents.Blocks.Add(new LoggedBlock(tags.Current, _position, _sequence));
            _position = geometry.Next(_position);
            _visitedBlocks++;
        }
        for (int i = first; (geometry.HasChecksumV1 || geometry.HasAsyncCommit) && i < _contents.Blocks.Count; i++)
        {
            LoggedBlock logged = _contents.Blocks[i];
            ReadOnlySpan<byte> copy = _reader.Block(logged.LogBlock);
            _crc = Crc32BigEndian.Append(_crc, copy);
            _isTorn |= !geometry.Matches(logged.Tag, copy, _sequence);
        }
    }

    private void ScanRevokes(ReadOnlySpan<byte> block)
    {
        _isSuspect |= !geometry.HasValidTail(block);
        uint end = BinaryPrimitives.ReadUInt32BigEndian(block[JournalBlockHeader.SizeBytes..]);
        if (end > (uint)geometry.PayloadEnd)
        {
            _isSuspect = true;
            return;
        }
        for (int offset = JournalBlockHeader.SizeBytes + sizeof(uint);
            offset + geometry.RevokeBytes <= (int)end;
            offset += geometry.RevokeBytes)
        {
            ulong revoked = geometry.Has64Bit
                ? BinaryPrimitives.ReadUInt64BigEndian(block[offset..])
                : BinaryPrimitives.ReadUInt32BigEndian(block[offset..]);
            _pendingRevokes.Add((new FsBlock(revoked), _sequence));
        }
    }

    /// <summary>False when the log ends here.</summary>
    private bool ScanCommit(ReadOnlySpan<byte> block)
    {
        CommitBlock commit = System.Runtime.InteropServices.MemoryMarshal.Read<CommitBlock>(block);
        bool isOlder = commit.CommitSeconds < _lastCommitSeconds;
        if (_isPastFailedCommit && !isOlder)
        {
            ThrowDamage(_contents.EndSequence);
        }
        if (_isSuspect || _isTorn || !HasValidChecksum(in commit, block))
        {
            if (isOlder)
            {
                return false;
            }
            if (_isSuspect || !geometry.HasAsyncCommit)
            {
                ThrowDamage(_sequence);
            }
            _isPastFailedCommit = true;
            _sequence = TransactionId.Next(_sequence);
            return true;
        }
        Accept(commit.CommitSeconds);
        return true;
    }

    private void Accept(ulong commitSeconds)
    {
        for (; _committedBlocks < _contents.Blocks.Count; _committedBlocks++)
        {
            FsBlock home = _contents.Blocks[_committedBlocks].Tag.Home;
            if (home.Value >= volumeBlocks || log.Holds(home))
            {
                Ext4CorruptException.Throw(
                    Corruption.JournalBlock, $"journal transaction {_sequence}: block {home}");
            }
        }
        foreach ((FsBlock revoked, uint by) in _pendingRevokes)
        {
            _contents.Revokes[revoked] = by;
        }
        _pendingRevokes.Clear();
        _crc = Crc32BigEndian.Start;
        _lastCommitSeconds = commitSeconds;
        _sequence = TransactionId.Next(_sequence);
        _contents.TransactionCount++;
        _contents.EndSequence = _sequence;
        _contents.HeadBlock = _position;
    }

    private bool HasValidChecksum(in CommitBlock commit, ReadOnlySpan<byte> block)
    {
        if (geometry.HasChecksumV1)
        {
            bool isUnused = commit is { ChecksumType: 0, ChecksumSizeBytes: 0 } && commit.Checksum == 0;
            return isUnused || (commit.ChecksumType == CommitBlock.ChecksumTypeCrc32 &&
                commit.ChecksumSizeBytes == sizeof(uint) && commit.Checksum == _crc);
        }
        if (!geometry.HasBlockChecksums)
        {
            return true;
        }
        return commit.Checksum == geometry.BlockChecksum(block, CommitBlock.ChecksumOffset) ||
            commit.Checksum == ChecksumOfTornTail(block);
    }

    /// <summary>Only the first sector of a commit block carries information: one torn behind it still counts.</summary>
    private uint ChecksumOfTornTail(ReadOnlySpan<byte> block)
    {
        byte[] copy = new byte[block.Length];
        block[..CommitBlock.SizeBytes].CopyTo(copy);
        return geometry.BlockChecksum(copy, CommitBlock.ChecksumOffset);
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void ThrowDamage(uint sequence) =>
        Ext4CorruptException.Throw(Corruption.JournalChecksum, $"journal transaction {sequence}");
}

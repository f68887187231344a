using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>A transaction as it goes to the log, in one piece of memory: revoke blocks, then descriptors each followed
/// by the copies it describes, then zeros in the place of the commit block, then that. The copies stay here until they
/// are written home.</summary>
/// <remarks>
/// <para>The zeros go to the log with what precedes them. So when the commit block is written nothing but its first
/// sector changes, and a power cut leaves all of it or nothing: else a block of 4 KiB whose first sector alone arrived
/// lies over what an older lap left. Its checksum is wrong then, and e2fsck and the kernel take the log for
/// damaged.</para>
/// <para>Docs: ext4/journal. Without a log only the copies are there.</para>
/// </remarks>
internal sealed class TransactionImage
{
    private const int UuidBytes = 16;
    private const int RevokeHeaderBytes = JournalBlockHeader.SizeBytes + sizeof(uint);

    private readonly JournalGeometry? _log;
    private readonly int _blockBytes;
    private readonly uint _sequence;
    private readonly int _revokeBlocks;
    private readonly FsBlock[] _homes;
    private readonly bool[] _isEscaped;

    /// <summary>Room for a transaction.</summary>
    /// <param name="log">The log's shape; null without a journal.</param>
    /// <param name="blockBytes">Bytes of a block.</param>
    /// <param name="sequence">The transaction.</param>
    /// <param name="blockCount">Copies.</param>
    /// <param name="revokeCount">Revoke records.</param>
    /// <param name="pool">Where the memory comes from.</param>
    public TransactionImage(
        JournalGeometry? log, int blockBytes, uint sequence, int blockCount, int revokeCount, BufferPool pool)
    {
        _log = log;
        _blockBytes = blockBytes;
        _sequence = sequence;
        _homes = new FsBlock[blockCount];
        _isEscaped = new bool[blockCount];
        _revokeBlocks = log is null ? 0 : DivideUp(revokeCount, log.RevokesPerBlock);
        LengthBlocks = log is null ? blockCount : LogBlocksFor(log, blockCount, _revokeBlocks);
        Buffer = pool.Rent((LengthBlocks + (log is null ? 0 : 1)) * blockBytes);
    }

    /// <summary>The memory; may be longer than the transaction.</summary>
    public byte[] Buffer { get; }

    /// <summary>Blocks in the log, the commit block included.</summary>
    public int LengthBlocks { get; }

    /// <summary>Copies.</summary>
    public int CopyCount => _homes.Length;

    /// <summary>What is written before the commit block: the transaction, with zeros in that one's place.</summary>
    public ReadOnlySpan<byte> Body => Buffer.AsSpan(0, CommitOffset);

    /// <summary>What makes it count, once <see cref="Body"/> is durable.</summary>
    public ReadOnlySpan<byte> Commit => Buffer.AsSpan(CommitOffset, _blockBytes);

    private int CommitOffset => LengthBlocks * _blockBytes;

    /// <summary>Blocks a transaction takes in the log.</summary>
    public static int LogBlocksFor(JournalGeometry log, int blockCount, int revokeBlocks) =>
        revokeBlocks + blockCount + DivideUp(blockCount, log.TagsPerDescriptor) + 1;

    /// <summary>Where a copy belongs.</summary>
    public FsBlock Home(int slot) => _homes[slot];

    /// <summary>A copy, as it goes home.</summary>
    public Memory<byte> Copy(int slot) => Buffer.AsMemory(OffsetOf(slot), _blockBytes);

    /// <summary>Takes the copy of a block.</summary>
    public void Put(int slot, FsBlock home, ReadOnlySpan<byte> bytes)
    {
        _homes[slot] = home;
        bytes.CopyTo(Buffer.AsSpan(OffsetOf(slot), _blockBytes));
    }

    /// <summary>Fills in what the log needs around the copies, and the commit block.</summary>
    public void Seal(IReadOnlyCollection<FsBlock> revokes, DateTimeOffset now)
    {
        if (_log is null)
        {
            return;
        }
        WriteRevokes(_log, revokes);
        for (int slot = 0; slot < _homes.Length; slot += _log.TagsPerDescriptor)
        {
            WriteDescriptor(_log, slot, Math.Min(_log.TagsPerDescriptor, _homes.Length - slot));
        }
        WriteCommit(_log, now);
    }

    /// <summary>Gives escaped copies their first bytes back, once they are in the log.</summary>
    public void Unescape()
    {
        for (int slot = 0; slot < _isEscaped.Length; slot++)
        {
            if (_isEscaped[slot])
            {
                BinaryPrimitives.WriteUInt32BigEndian(
                    Buffer.AsSpan(OffsetOf(slot)), JournalBlockHeader.ExpectedMagic);
            }
        }
    }

    private static int DivideUp(int value, int by) => (value + by - 1) / by;

    private int OffsetOf(int slot)
    {
        int block = _log is null ? slot : _revokeBlocks + slot + (slot / _log.TagsPerDescriptor) + 1;
        return block * _blockBytes;
    }

    private Span<byte> StartBlock(int offset, JournalBlockKind kind)
    {
        Span<byte> block = Buffer.AsSpan(offset, _blockBytes);
        block.Clear();
        MemoryMarshal.Write(block, JournalBlockHeader.For(kind, _sequence));
        return block;
    }

    private static void WriteTail(JournalGeometry log, Span<byte> block)
    {
        if (log.HasBlockChecksums)
        {
            BinaryPrimitives.WriteUInt32BigEndian(block[log.PayloadEnd..], log.BlockChecksum(block, log.PayloadEnd));
        }
    }

    private void WriteRevokes(JournalGeometry log, IReadOnlyCollection<FsBlock> revokes)
    {
        int index = 0;
        int used = RevokeHeaderBytes;
        Span<byte> block = [];
        foreach (FsBlock revoked in revokes)
        {
            if (used == RevokeHeaderBytes)
            {
                block = StartBlock(index++ * _blockBytes, JournalBlockKind.Revoke);
            }
            if (log.Has64Bit)
            {
                BinaryPrimitives.WriteUInt64BigEndian(block[used..], revoked.Value);
            }
            else
            {
                BinaryPrimitives.WriteUInt32BigEndian(block[used..], (uint)revoked.Value);
            }
            used += log.RevokeBytes;
            BinaryPrimitives.WriteUInt32BigEndian(block[JournalBlockHeader.SizeBytes..], (uint)used);
            if (used + log.RevokeBytes > log.PayloadEnd)
            {
                WriteTail(log, block);
                used = RevokeHeaderBytes;
            }
        }
        if (used > RevokeHeaderBytes)
        {
            WriteTail(log, block);
        }
    }

    private void WriteDescriptor(JournalGeometry log, int firstSlot, int count)
    {
        Span<byte> block = StartBlock(OffsetOf(firstSlot) - _blockBytes, JournalBlockKind.Descriptor);
        int at = JournalBlockHeader.SizeBytes;
        for (int i = 0; i < count; i++)
        {
            LoggedBlockFlags flags = i == 0 ? LoggedBlockFlags.None : LoggedBlockFlags.SameUuid;
            flags |= i + 1 == count ? LoggedBlockFlags.Last : LoggedBlockFlags.None;
            WriteTag(log, block[at..], firstSlot + i, flags);
            at += log.TagBytes + (i == 0 ? UuidBytes : 0);
        }
        WriteTail(log, block);
    }

    private void WriteTag(JournalGeometry log, Span<byte> tag, int slot, LoggedBlockFlags flags)
    {
        Span<byte> copy = Copy(slot).Span;
        if (BinaryPrimitives.ReadUInt32BigEndian(copy) == JournalBlockHeader.ExpectedMagic)
        {
            _isEscaped[slot] = true;
            flags |= LoggedBlockFlags.Escaped;
            copy[..sizeof(uint)].Clear();
        }
        ulong home = _homes[slot].Value;
        BinaryPrimitives.WriteUInt32BigEndian(tag, (uint)(home & uint.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(tag[6..], (ushort)flags);
        if (log.Has64Bit)
        {
            BinaryPrimitives.WriteUInt32BigEndian(tag[8..], (uint)(home >> 32));
        }
        if (log.HasChecksumV3)
        {
            BinaryPrimitives.WriteUInt32BigEndian(tag[12..], log.DataChecksum(copy, _sequence));
        }
        else if (log.HasChecksumV2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(tag[4..], (ushort)(log.DataChecksum(copy, _sequence) & 0xFFFF));
        }
    }

    private void WriteCommit(JournalGeometry log, DateTimeOffset now)
    {
        int place = CommitOffset - _blockBytes;
        Buffer.AsSpan(place, _blockBytes).Clear();
        Span<byte> block = StartBlock(CommitOffset, JournalBlockKind.Commit);
        ref CommitBlock commit = ref Disk.At<CommitBlock>(block, 0);
        commit.CommitSeconds = (ulong)Math.Max(0, now.ToUnixTimeSeconds());
        commit.CommitNanoseconds = (uint)(now.UtcTicks % TimeSpan.TicksPerSecond) * 100;
        if (log.HasChecksumV1)
        {
            int first = _revokeBlocks * _blockBytes;
            commit.ChecksumType = CommitBlock.ChecksumTypeCrc32;
            commit.ChecksumSizeBytes = sizeof(uint);
            commit.Checksum = Crc32BigEndian.Append(Crc32BigEndian.Start, Buffer.AsSpan(first..place));
        }
        else if (log.HasBlockChecksums)
        {
            commit.Checksum = log.BlockChecksum(block, CommitBlock.ChecksumOffset);
        }
    }
}

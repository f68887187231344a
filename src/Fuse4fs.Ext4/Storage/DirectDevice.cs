using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A volume on a block device, from a byte offset on, read and written past the device's page cache.</summary>
/// <remarks>
/// <para>For a device that the kernel reads and writes as well, on our word, without that cache: two ways to the same
/// bytes of which one has a cache would sooner or later disagree.</para>
/// <para>What will be read soon is read in pieces meanwhile (<see cref="AheadPieces"/>), as the page cache would.</para>
/// <para>The device wants whole sectors at sector addresses in aligned memory. What is not so goes through buffers
/// of our own; a write of parts of a sector reads it first, with all other writes held off.</para>
/// </remarks>
public sealed unsafe partial class DirectDevice : DescriptorDevice
{
    private const int PieceBytes = 1 << 20;
    private const int KeptPieces = 8;

    private readonly AlignedBufferPool _pieces = new(PieceBytes, KeptPieces);
    private readonly AheadPieces _ahead;

    /// <summary>Held shared by writes of whole sectors, exclusive by those that read a sector to change a part.</summary>
    private readonly ReaderWriterLockSlim _sectors = new();

    private DirectDevice(
        string path, FileDescriptor descriptor, long offsetBytes, long lengthBytes, int sectorBytes, bool isReadOnly)
        : base(descriptor, offsetBytes, lengthBytes, isReadOnly)
    {
        Path = path;
        SectorBytes = sectorBytes;
        long end = (offsetBytes + lengthBytes) & -sectorBytes;
        _ahead = new AheadPieces(end, (buffer, length, at) => ReadAll(buffer.Start, length, at));
    }

    /// <summary>As it was opened.</summary>
    public string Path { get; }

    /// <summary>Bytes of a logical sector: 512 to 65536, a power of two.</summary>
    public int SectorBytes { get; }

    /// <summary>Pieces that were read ahead and nobody has read yet.</summary>
    internal int PiecesAhead => _ahead.ReadyCount;

    /// <inheritdoc/>
    public override void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "read");
        if (_ahead.TryRead(OffsetBytes + offsetBytes, buffer))
        {
            return;
        }
        Waiting?.Invoke();
        fixed (byte* start = buffer)
        {
            if (IsAligned(start, OffsetBytes + offsetBytes, buffer.Length))
            {
                ReadAll(start, buffer.Length, OffsetBytes + offsetBytes);
                return;
            }
        }
        AlignedBuffer piece = _pieces.Rent();
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = Stretch(OffsetBytes + offsetBytes, buffer.Length, out long first, out int bytes);
                ReadAll(piece.Start, bytes, first);
                piece.Bytes.Slice((int)(OffsetBytes + offsetBytes - first), count).CopyTo(buffer);
                buffer = buffer[count..];
                offsetBytes += count;
            }
        }
        finally
        {
            _pieces.Return(piece);
        }
    }

    /// <inheritdoc/>
    public override void ReadAhead(long offsetBytes, long lengthBytes)
    {
        long length = Math.Min(lengthBytes, LengthBytes - offsetBytes);
        if (offsetBytes >= 0 && length > 0)
        {
            _ahead.Add(OffsetBytes + offsetBytes, length);
        }
    }

    /// <inheritdoc/>
    public override void Forget(long offsetBytes, long lengthBytes) => _ahead.Drop(OffsetBytes + offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public override void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        CheckWritable(offsetBytes, buffer.Length);
        CountWritten(buffer.Length);
        try
        {
            WriteRange(OffsetBytes + offsetBytes, buffer);
        }
        finally
        {
            _ahead.Drop(OffsetBytes + offsetBytes, buffer.Length);
        }
    }

    private void WriteRange(long at, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            if (IsAligned(start, at, buffer.Length))
            {
                WriteShared(start, buffer.Length, at);
                return;
            }
        }
        AlignedBuffer piece = _pieces.Rent();
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = Stretch(at, buffer.Length, out long first, out int bytes);
                if (count == bytes)
                {
                    buffer[..count].CopyTo(piece.Bytes);
                    WriteShared(piece.Start, bytes, first);
                }
                else
                {
                    WriteParts(piece, buffer[..count], at, first, bytes);
                }
                buffer = buffer[count..];
                at += count;
            }
        }
        finally
        {
            _pieces.Return(piece);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Gathered, and written in large pieces that end with a sector.</remarks>
    public override void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        AlignedBuffer piece = _pieces.Rent();
        try
        {
            int filled = 0;
            int room = RoomAt(offsetBytes);
            foreach (ReadOnlyMemory<byte> buffer in buffers)
            {
                for (ReadOnlySpan<byte> rest = buffer.Span; !rest.IsEmpty;)
                {
                    int count = Math.Min(rest.Length, room - filled);
                    rest[..count].CopyTo(piece.Bytes[filled..]);
                    rest = rest[count..];
                    filled += count;
                    if (filled == room)
                    {
                        Write(offsetBytes, piece.Bytes[..filled]);
                        offsetBytes += filled;
                        filled = 0;
                        room = RoomAt(offsetBytes);
                    }
                }
            }
            Write(offsetBytes, piece.Bytes[..filled]);
        }
        finally
        {
            _pieces.Return(piece);
        }
    }

    private protected override void Close()
    {
        _ahead.Dispose();
        base.Close();
        _pieces.Dispose();
        _sectors.Dispose();
    }

    private protected override Errno DiscardRange(long offsetBytes, long lengthBytes)
    {
        Errno error = base.DiscardRange(offsetBytes, lengthBytes);
        _ahead.Drop(OffsetBytes + offsetBytes, lengthBytes);
        return error;
    }

    private protected override Errno ZeroRange(long offsetBytes, long lengthBytes)
    {
        Errno error = base.ZeroRange(offsetBytes, lengthBytes);
        _ahead.Drop(OffsetBytes + offsetBytes, lengthBytes);
        return error;
    }

    /// <summary>The sectors that one piece can hold of a range.</summary>
    /// <param name="at">First byte of the range, on the device.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="first">Where the sectors start.</param>
    /// <param name="bytes">How long they are.</param>
    /// <returns>How many bytes of the range lie in them.</returns>
    private int Stretch(long at, int length, out long first, out int bytes)
    {
        int lead = (int)(at & (SectorBytes - 1));
        first = at - lead;
        int count = Math.Min(length, PieceBytes - lead);
        bytes = (lead + count + SectorBytes - 1) & -SectorBytes;
        return count;
    }

    /// <summary>How much from there on fits into a piece that ends with a sector.</summary>
    private int RoomAt(long offsetBytes) => PieceBytes - (int)((OffsetBytes + offsetBytes) & (SectorBytes - 1));

    private bool IsAligned(byte* start, long at, long length) =>
        ((at | length) & (SectorBytes - 1)) == 0
        && ((nuint)start & (nuint)(Math.Min(SectorBytes, AlignedBuffer.AlignmentBytes) - 1)) == 0;

    /// <summary>Writes parts of the first or the last sector: reads what stays, first.</summary>
    private void WriteParts(AlignedBuffer piece, ReadOnlySpan<byte> buffer, long at, long first, int bytes)
    {
        _sectors.EnterWriteLock();
        try
        {
            ReadAll(piece.Start, SectorBytes, first);
            if (bytes > SectorBytes)
            {
                ReadAll(piece.Start + bytes - SectorBytes, SectorBytes, first + bytes - SectorBytes);
            }
            buffer.CopyTo(piece.Bytes[(int)(at - first)..]);
            WriteAll(piece.Start, bytes, first, cutsShort: false);
        }
        finally
        {
            _sectors.ExitWriteLock();
        }
    }

    private void WriteShared(byte* start, int length, long at)
    {
        _sectors.EnterReadLock();
        try
        {
            WriteAll(start, length, at, cutsShort: false);
        }
        finally
        {
            _sectors.ExitReadLock();
        }
    }
}

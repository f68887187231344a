using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A volume on a block device, from a byte offset on, read and written past the device's page cache.</summary>
/// <remarks>
/// <para>For a device that the kernel reads and writes as well, on our word, without that cache: two ways to the same
/// bytes of which one has a cache would sooner or later disagree.</para>
/// <para>The device wants whole sectors at sector addresses in aligned memory. What is not so goes through buffers
/// of our own; a write of parts of a sector reads it first, with all other writes held off.</para>
/// </remarks>
public sealed unsafe partial class DirectDevice : IBlockDevice
{
    private const int PieceBytes = 1 << 20;
    private const int KeptPieces = 8;

    private readonly FileDescriptor _descriptor;
    private readonly FlushGroup _flushes = new();
    private readonly AlignedBufferPool _pieces = new(PieceBytes, KeptPieces);

    /// <summary>Held shared by writes of whole sectors, exclusive by those that read a sector to change a part.</summary>
    private readonly ReaderWriterLockSlim _sectors = new();
    private int _discardUnsupported;
    private long _writtenBytes;

    private DirectDevice(
        string path, FileDescriptor descriptor, long offsetBytes, long lengthBytes, int sectorBytes, bool isReadOnly)
    {
        Path = path;
        _descriptor = descriptor;
        OffsetBytes = offsetBytes;
        LengthBytes = lengthBytes;
        SectorBytes = sectorBytes;
        IsReadOnly = isReadOnly;
    }

    /// <inheritdoc/>
    public long LengthBytes { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <summary>As it was opened.</summary>
    public string Path { get; }

    /// <summary>Bytes of a logical sector: 512 to 65536, a power of two.</summary>
    public int SectorBytes { get; }

    /// <summary>Where the volume starts on the device: to be added to every address that somebody else is told.</summary>
    public long OffsetBytes { get; }

    /// <summary>The open device. Owned by this object.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <summary>Called by whoever is about to wait for the medium while reading. Must not block.</summary>
    public Action? Waiting { get; set; }

    /// <inheritdoc/>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "read");
        Waiting?.Invoke();
        fixed (byte* start = buffer)
        {
            if (IsAligned(start, OffsetBytes + offsetBytes, buffer.Length))
            {
                ReadSectors(start, buffer.Length, OffsetBytes + offsetBytes);
                return;
            }
        }
        AlignedBuffer piece = _pieces.Rent();
        try
        {
            while (!buffer.IsEmpty)
            {
                int count = Stretch(OffsetBytes + offsetBytes, buffer.Length, out long first, out int bytes);
                ReadSectors(piece.Start, bytes, first);
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
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        CheckWritable(offsetBytes, buffer.Length);
        Interlocked.Add(ref _writtenBytes, buffer.Length);
        long at = OffsetBytes + offsetBytes;
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
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
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

    /// <inheritdoc/>
    public void Flush()
    {
        if (!IsReadOnly)
        {
            _flushes.Run(FlushOnce);
        }
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes)
    {
        CheckWritable(offsetBytes, lengthBytes);
        if (Volatile.Read(ref _discardUnsupported) != 0 || lengthBytes == 0)
        {
            return;
        }
        Errno error = Request(BlockDeviceRequest.Discard, offsetBytes, lengthBytes);
        if (error is Errno.NotSupported or Errno.NotImplemented or Errno.NotTerminal)
        {
            Volatile.Write(ref _discardUnsupported, 1);
        }
        else if (error != Errno.Ok)
        {
            throw new DeviceException(error, $"discard at byte {offsetBytes}");
        }
    }

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes)
    {
        CheckWritable(offsetBytes, lengthBytes);
        if (lengthBytes == 0)
        {
            return;
        }
        Errno error = Request(BlockDeviceRequest.ZeroOut, offsetBytes, lengthBytes);
        if (error is Errno.NotSupported or Errno.NotImplemented or Errno.NotTerminal or Errno.Invalid)
        {
            byte[] zeros = new byte[(int)Math.Min(lengthBytes, PieceBytes)];
            for (long done = 0; done < lengthBytes;)
            {
                int count = (int)Math.Min(zeros.Length, lengthBytes - done);
                Write(offsetBytes + done, zeros.AsSpan(0, count));
                done += count;
            }
        }
        else if (error != Errno.Ok)
        {
            throw new DeviceException(error, $"zeroing at byte {offsetBytes}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _descriptor.Dispose();
        _pieces.Dispose();
        _sectors.Dispose();
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
            ReadSectors(piece.Start, SectorBytes, first);
            if (bytes > SectorBytes)
            {
                ReadSectors(piece.Start + bytes - SectorBytes, SectorBytes, first + bytes - SectorBytes);
            }
            buffer.CopyTo(piece.Bytes[(int)(at - first)..]);
            WriteSectors(piece.Start, bytes, first);
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
            WriteSectors(start, length, at);
        }
        finally
        {
            _sectors.ExitReadLock();
        }
    }

    private void ReadSectors(byte* start, int length, long at)
    {
        for (int done = 0; done < length;)
        {
            nint count = LibC.PRead(_descriptor, start + done, (nuint)(length - done), at + done);
            if (count <= 0)
            {
                // An end inside the range: the device shrank under us.
                ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "read", at + done);
                continue;
            }
            done += (int)count;
        }
    }

    private void WriteSectors(byte* start, int length, long at)
    {
        for (int done = 0; done < length;)
        {
            nint count = LibC.PWrite(_descriptor, start + done, (nuint)(length - done), at + done);
            if (count <= 0)
            {
                ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "write", at + done);
                continue;
            }
            done += (int)count;
        }
    }

    private void FlushOnce()
    {
        while (LibC.FDataSync(_descriptor) != 0)
        {
            ThrowUnlessInterrupted(LibC.LastError, "flush", 0);
        }
    }

    private Errno Request(nuint request, long offsetBytes, long lengthBytes)
    {
        ulong* range = stackalloc ulong[2] { (ulong)(OffsetBytes + offsetBytes), (ulong)lengthBytes };
        return LibC.IoControl(_descriptor, request, range) == 0 ? Errno.Ok : LibC.LastError;
    }

    private static void ThrowUnlessInterrupted(Errno error, string operation, long offsetBytes)
    {
        if (error != Errno.Interrupted)
        {
            throw new DeviceException(error, $"{operation} at byte {offsetBytes}");
        }
    }

    private void CheckWritable(long offsetBytes, long lengthBytes)
    {
        if (IsReadOnly)
        {
            throw new DeviceException(Errno.ReadOnly, "write");
        }
        CheckRange(offsetBytes, lengthBytes, "write");
    }

    private void CheckRange(long offsetBytes, long lengthBytes, string operation)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes - lengthBytes)
        {
            throw new DeviceException(Errno.InputOutput, $"{operation} of {lengthBytes} bytes at byte {offsetBytes}");
        }
    }
}

using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A volume behind an open descriptor, from a byte offset on: what files and block devices, read and written with
/// a page cache or past it, have in common.</summary>
public abstract unsafe class DescriptorDevice : IBlockDevice
{
    private const int ZerosBytes = 1 << 20;

    private readonly FlushGroup _flushes = new();
    private int _discardUnsupported;
    private long _writtenBytes;

    /// <param name="descriptor">Owned from now on.</param>
    /// <param name="offsetBytes">Where the volume starts.</param>
    /// <param name="lengthBytes">From there on.</param>
    /// <param name="isReadOnly">Nothing can be written.</param>
    private protected DescriptorDevice(FileDescriptor descriptor, long offsetBytes, long lengthBytes, bool isReadOnly)
    {
        Descriptor = descriptor;
        OffsetBytes = offsetBytes;
        LengthBytes = lengthBytes;
        IsReadOnly = isReadOnly;
    }

    /// <inheritdoc/>
    public long LengthBytes { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <summary>The open file, for locks and for what only its owner knows to do. Owned by this object.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Where the volume starts in the file or on the device.</summary>
    public long OffsetBytes { get; }

    /// <summary>Called by whoever is about to wait for the medium while reading. Must not block.</summary>
    public Action? Waiting { get; set; }

    /// <inheritdoc/>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <inheritdoc/>
    public abstract void Read(long offsetBytes, Span<byte> buffer);

    /// <inheritdoc/>
    public virtual void ReadAhead(long offsetBytes, long lengthBytes)
    {
    }

    /// <inheritdoc/>
    public virtual void Forget(long offsetBytes, long lengthBytes)
    {
    }

    /// <inheritdoc/>
    public abstract void Write(long offsetBytes, ReadOnlySpan<byte> buffer);

    /// <inheritdoc/>
    public abstract void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers);

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
        Errno error = DiscardRange(offsetBytes, lengthBytes);
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
        Errno error = ZeroRange(offsetBytes, lengthBytes);
        if (error is Errno.NotSupported or Errno.NotImplemented or Errno.NotTerminal or Errno.Invalid)
        {
            byte[] zeros = new byte[(int)Math.Min(lengthBytes, ZerosBytes)];
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
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends it; the base's comes after what still uses the descriptor.</summary>
    private protected virtual void Close() => Descriptor.Dispose();

    /// <summary>Tells that a range is unused.</summary>
    private protected virtual Errno DiscardRange(long offsetBytes, long lengthBytes) =>
        Request(BlockDeviceRequest.Discard, offsetBytes, lengthBytes);

    /// <summary>Has a range read as zeros without writing them.</summary>
    /// <returns>NotSupported, NotImplemented, NotTerminal or Invalid: they have to be written.</returns>
    private protected virtual Errno ZeroRange(long offsetBytes, long lengthBytes) =>
        Request(BlockDeviceRequest.ZeroOut, offsetBytes, lengthBytes);

    /// <summary>Reads all of a range.</summary>
    /// <param name="start">Where to.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="at">In the file or on the device.</param>
    private protected void ReadAll(byte* start, int length, long at)
    {
        for (int done = 0; done < length;)
        {
            nint count = LibC.PRead(Descriptor, start + done, (nuint)(length - done), at + done);
            if (count <= 0)
            {
                // An end inside the range: it shrank under us.
                ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "read", at + done);
                continue;
            }
            done += (int)count;
        }
    }

    /// <summary>Writes all of a range.</summary>
    /// <param name="start">From where.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="at">In the file or on the device.</param>
    /// <param name="cutsShort">Debug builds cut transfers short where that can be, so that the loop always runs.</param>
    private protected void WriteAll(byte* start, int length, long at, bool cutsShort)
    {
        for (int done = 0; done < length;)
        {
            int wanted = cutsShort ? Shortened(length - done) : length - done;
            nint count = LibC.PWrite(Descriptor, start + done, (nuint)wanted, at + done);
            if (count <= 0)
            {
                ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "write", at + done);
                continue;
            }
            done += (int)count;
        }
    }

    private protected void CountWritten(long bytes) => Interlocked.Add(ref _writtenBytes, bytes);

    private protected void CheckWritable(long offsetBytes, long lengthBytes)
    {
        if (IsReadOnly)
        {
            throw new DeviceException(Errno.ReadOnly, "write");
        }
        CheckRange(offsetBytes, lengthBytes, "write");
    }

    private protected void CheckRange(long offsetBytes, long lengthBytes, string operation)
    {
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes - lengthBytes)
        {
            throw new DeviceException(Errno.InputOutput, $"{operation} of {lengthBytes} bytes at byte {offsetBytes}");
        }
    }

    private protected static void ThrowUnlessInterrupted(Errno error, string operation, long at)
    {
        if (error != Errno.Interrupted)
        {
            throw new DeviceException(error, $"{operation} at byte {at}");
        }
    }

    private static int Shortened(int count)
    {
#if DEBUG
        return count > 4096 ? count / 2 : count;
#else
        return count;
#endif
    }

    private void FlushOnce()
    {
        while (LibC.FDataSync(Descriptor) != 0)
        {
            ThrowUnlessInterrupted(LibC.LastError, "flush", 0);
        }
    }

    private Errno Request(nuint request, long offsetBytes, long lengthBytes)
    {
        ulong* range = stackalloc ulong[2] { (ulong)(OffsetBytes + offsetBytes), (ulong)lengthBytes };
        return LibC.IoControl(Descriptor, request, range) == 0 ? Errno.Ok : LibC.LastError;
    }
}

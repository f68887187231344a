using System.Buffers;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A volume in a file or on a block device, from a byte offset on.</summary>
public sealed unsafe class ImageFile : IBlockDevice
{
    /// <summary>IOV_MAX of Linux.</summary>
    private const int MaximumVectors = 1024;

    private const long ReadAheadPieceBytes = 128 << 10;

    private readonly FileDescriptor _descriptor;
    private readonly long _offsetBytes;
    private readonly FlushGroup _flushes = new();
    private readonly WriteBehind _behind = new();
    private int _discardUnsupported;
    private long _writtenBytes;
    private volatile bool _waitsUnknown;

    private ImageFile(FileDescriptor descriptor, long offsetBytes, long lengthBytes, bool isBlockDevice, bool isReadOnly)
    {
        _descriptor = descriptor;
        _offsetBytes = offsetBytes;
        LengthBytes = lengthBytes;
        IsBlockDevice = isBlockDevice;
        IsReadOnly = isReadOnly;
    }

    /// <inheritdoc/>
    public long LengthBytes { get; }

    /// <inheritdoc/>
    public bool IsReadOnly { get; }

    /// <summary>The source is a block device, not a file.</summary>
    public bool IsBlockDevice { get; }

    /// <summary>The open file, for locks and for what only its owner knows to do. Owned by this object.</summary>
    public FileDescriptor Descriptor => _descriptor;

    /// <summary>Where the volume starts in the file.</summary>
    public long OffsetBytes => _offsetBytes;

    /// <summary>Called by whoever is about to wait for the medium while reading. Must not block.</summary>
    public Action? Waiting { get; set; }

    /// <summary>Opens by path. A read-only source is opened O_RDONLY: nothing can ever be written through it.</summary>
    /// <returns>The error of open(2), NoDevice for something that is neither file nor block device, Invalid for an
    /// offset beyond the end, or Ok.</returns>
    public static Errno Open(string path, bool isReadOnly, long offsetBytes, bool isExclusive, out ImageFile? image)
    {
        image = null;
        OpenFlags flags = OpenFlags.CloseOnExec | OpenFlags.NonBlocking
            | (isReadOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite)
            | (isExclusive ? OpenFlags.Exclusive : 0);
        FileDescriptor descriptor = LibC.Open(path, flags, 0);
        if (descriptor.IsInvalid)
        {
            Errno error = LibC.LastError;
            descriptor.Dispose();
            return error;
        }
        return Adopt(descriptor, isReadOnly, offsetBytes, out image);
    }

    /// <summary>Takes over an open descriptor, for example one inherited from the parent process.</summary>
    /// <returns>As <see cref="Open"/>; on failure the descriptor is closed.</returns>
    public static Errno Adopt(FileDescriptor descriptor, bool isReadOnly, long offsetBytes, out ImageFile? image)
    {
        image = null;
        Errno error = Measure(descriptor, out long size, out bool isBlockDevice);
        if (error == Errno.Ok && (offsetBytes < 0 || offsetBytes > size))
        {
            error = Errno.Invalid;
        }
        if (error == Errno.Ok && isBlockDevice && !isReadOnly && IsWriteProtected(descriptor))
        {
            error = Errno.ReadOnly;
        }
        if (error != Errno.Ok)
        {
            descriptor.Dispose();
            return error;
        }
        image = new ImageFile(descriptor, offsetBytes, size - offsetBytes, isBlockDevice, isReadOnly);
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "read");
        fixed (byte* start = buffer)
        {
            for (int done = Waiting is null ? 0 : ReadCached(start, buffer.Length, offsetBytes); done < buffer.Length;)
            {
                nint count = LibC.PRead(
                    _descriptor, start + done, (nuint)(buffer.Length - done), _offsetBytes + offsetBytes + done);
                if (count <= 0)
                {
                    // An end of file inside the range: the image shrank under us.
                    ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "read", offsetBytes + done);
                    continue;
                }
                done += (int)count;
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>In pieces: the kernel cuts off what exceeds the device's largest request.</remarks>
    public void ReadAhead(long offsetBytes, long lengthBytes)
    {
        const int willNeed = 3;
        long end = Math.Min(LengthBytes, offsetBytes > long.MaxValue - lengthBytes ? LengthBytes : offsetBytes + lengthBytes);
        for (long at = Math.Max(0, offsetBytes); at < end; at += ReadAheadPieceBytes)
        {
            _ = LibC.FAdvise(_descriptor, _offsetBytes + at, Math.Min(ReadAheadPieceBytes, end - at), willNeed);
        }
    }

    /// <inheritdoc/>
    public void Forget(long offsetBytes, long lengthBytes)
    {
        const int dontNeed = 4;
        _ = LibC.FAdvise(_descriptor, _offsetBytes + offsetBytes, lengthBytes, dontNeed);
    }

    /// <inheritdoc/>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        CheckWritable(offsetBytes, buffer.Length);
        Interlocked.Add(ref _writtenBytes, buffer.Length);
        fixed (byte* start = buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                nint count = LibC.PWrite(_descriptor, start + done,
                    (nuint)Shortened(buffer.Length - done), _offsetBytes + offsetBytes + done);
                if (count <= 0)
                {
                    ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "write", offsetBytes + done);
                    continue;
                }
                done += (int)count;
            }
        }
        _behind.Wrote(_descriptor, _offsetBytes + offsetBytes, buffer.Length);
    }

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        long total = 0;
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            total += buffer.Length;
        }
        CheckWritable(offsetBytes, total);
        Interlocked.Add(ref _writtenBytes, total);
        while (!buffers.IsEmpty)
        {
            int take = Math.Min(buffers.Length, MaximumVectors);
            offsetBytes += WriteVectors(offsetBytes, buffers[..take]);
            buffers = buffers[take..];
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
        Errno error = IsBlockDevice
            ? BlockRange(BlockDeviceRequest.Discard, offsetBytes, lengthBytes)
            : FallocateRange(FallocateMode.PunchHole | FallocateMode.KeepSize, offsetBytes, lengthBytes);
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
        Errno error = IsBlockDevice
            ? BlockRange(BlockDeviceRequest.ZeroOut, offsetBytes, lengthBytes)
            : FallocateRange(FallocateMode.PunchHole | FallocateMode.KeepSize, offsetBytes, lengthBytes);
        if (error is Errno.NotSupported or Errno.NotImplemented or Errno.NotTerminal or Errno.Invalid)
        {
            WriteZeroBytes(offsetBytes, lengthBytes);
        }
        else if (error != Errno.Ok)
        {
            throw new DeviceException(error, $"zeroing at byte {offsetBytes}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private void FlushOnce()
    {
        while (LibC.FDataSync(_descriptor) != 0)
        {
            ThrowUnlessInterrupted(LibC.LastError, "flush", 0);
        }
    }

    private static Errno Measure(FileDescriptor descriptor, out long size, out bool isBlockDevice)
    {
        ulong bytes;
        isBlockDevice = LibC.IoControl(descriptor, BlockDeviceRequest.GetSize64, &bytes) == 0;
        if (isBlockDevice)
        {
            size = (long)Math.Min(bytes, long.MaxValue);
            return Errno.Ok;
        }
        // First, because only reading tells a directory on every file system: its end may be any number, or EINVAL.
        byte probe;
        const int SeekEnd = 2;
        size = LibC.PRead(descriptor, &probe, 1, 0) < 0 ? -1 : LibC.LSeek(descriptor, 0, SeekEnd);
        return size < 0 ? LibC.LastError : Errno.Ok;
    }

    /// <summary>Opening a write-protected device for writing succeeds; only the writes fail.</summary>
    private static bool IsWriteProtected(FileDescriptor device)
    {
        int isProtected = 0;
        return LibC.IoControl(device, BlockDeviceRequest.GetReadOnly, &isProtected) == 0 && isProtected != 0;
    }

    private static void ThrowUnlessInterrupted(Errno error, string operation, long offsetBytes)
    {
        if (error != Errno.Interrupted)
        {
            throw new DeviceException(error, $"{operation} at byte {offsetBytes}");
        }
    }

    /// <summary>Reads what the host has in memory, and calls out when that is not all.</summary>
    /// <returns>Bytes read from the start.</returns>
    private int ReadCached(byte* start, int length, long offsetBytes)
    {
        const int noWait = 8;
        var vector = new IoVector { Base = start, Length = (nuint)length };
        nint count = _waitsUnknown ? 0 : LibC.PReadV2(_descriptor, &vector, 1, _offsetBytes + offsetBytes, noWait);
        if (count < 0)
        {
            _waitsUnknown = LibC.LastError is Errno.NotSupported or Errno.NotImplemented or Errno.Invalid;
        }
        if (count < length)
        {
            Waiting?.Invoke();
        }
        return (int)Math.Max(0, count);
    }

    /// <summary>Debug builds cut transfers short, so that the loops around them always run.</summary>
    private static int Shortened(int count)
    {
#if DEBUG
        return count > 4096 ? count / 2 : count;
#else
        return count;
#endif
    }

    private long WriteVectors(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        var pins = new MemoryHandle[buffers.Length];
        var vectors = new IoVector[buffers.Length];
        long total = 0;
        try
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                pins[i] = buffers[i].Pin();
                vectors[i] = new IoVector { Base = pins[i].Pointer, Length = (nuint)buffers[i].Length };
                total += buffers[i].Length;
            }
            WriteAll(offsetBytes, vectors, total);
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
            {
                pin.Dispose();
            }
        }
        return total;
    }

    private void WriteAll(long offsetBytes, Span<IoVector> vectors, long total)
    {
        for (long done = 0; done < total;)
        {
            nint count;
            fixed (IoVector* first = vectors)
            {
                count = LibC.PWriteV(_descriptor, first, vectors.Length, _offsetBytes + offsetBytes + done);
            }
            if (count <= 0)
            {
                ThrowUnlessInterrupted(count == 0 ? Errno.InputOutput : LibC.LastError, "write", offsetBytes + done);
                continue;
            }
            done += count;
            vectors = Advance(vectors, (nuint)count);
        }
    }

    private static Span<IoVector> Advance(Span<IoVector> vectors, nuint count)
    {
        while (!vectors.IsEmpty && count >= vectors[0].Length)
        {
            count -= vectors[0].Length;
            vectors = vectors[1..];
        }
        if (!vectors.IsEmpty)
        {
            vectors[0].Base = (byte*)vectors[0].Base + count;
            vectors[0].Length -= count;
        }
        return vectors;
    }

    private Errno BlockRange(nuint request, long offsetBytes, long lengthBytes)
    {
        ulong* range = stackalloc ulong[2] { (ulong)(_offsetBytes + offsetBytes), (ulong)lengthBytes };
        return LibC.IoControl(_descriptor, request, range) == 0 ? Errno.Ok : LibC.LastError;
    }

    private Errno FallocateRange(FallocateMode mode, long offsetBytes, long lengthBytes)
    {
        while (LibC.FAllocate(_descriptor, (int)mode, _offsetBytes + offsetBytes, lengthBytes) != 0)
        {
            Errno error = LibC.LastError;
            if (error != Errno.Interrupted)
            {
                return error;
            }
        }
        return Errno.Ok;
    }

    private void WriteZeroBytes(long offsetBytes, long lengthBytes)
    {
        byte[] zeros = new byte[(int)Math.Min(lengthBytes, 1 << 20)];
        for (long done = 0; done < lengthBytes;)
        {
            int count = (int)Math.Min(zeros.Length, lengthBytes - done);
            Write(offsetBytes + done, zeros.AsSpan(0, count));
            done += count;
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

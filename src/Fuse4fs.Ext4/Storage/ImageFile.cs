using System.Buffers;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A volume in a file or on a block device, from a byte offset on.</summary>
public sealed unsafe class ImageFile : DescriptorDevice
{
    /// <summary>IOV_MAX of Linux.</summary>
    private const int MaximumVectors = 1024;

    private const long ReadAheadPieceBytes = 128 << 10;

    private readonly WriteBehind _behind = new();
    private volatile bool _waitsUnknown;

    private ImageFile(FileDescriptor descriptor, long offsetBytes, long lengthBytes, bool isBlockDevice, bool isReadOnly)
        : base(descriptor, offsetBytes, lengthBytes, isReadOnly) => IsBlockDevice = isBlockDevice;

    /// <summary>The source is a block device, not a file.</summary>
    public bool IsBlockDevice { get; }

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
    public override void Read(long offsetBytes, Span<byte> buffer)
    {
        CheckRange(offsetBytes, buffer.Length, "read");
        fixed (byte* start = buffer)
        {
            int done = Waiting is null ? 0 : ReadCached(start, buffer.Length, offsetBytes);
            ReadAll(start + done, buffer.Length - done, OffsetBytes + offsetBytes + done);
        }
    }

    /// <inheritdoc/>
    /// <remarks>In pieces: the kernel cuts off what exceeds the device's largest request.</remarks>
    public override void ReadAhead(long offsetBytes, long lengthBytes)
    {
        const int willNeed = 3;
        long end = Math.Min(LengthBytes, offsetBytes > long.MaxValue - lengthBytes ? LengthBytes : offsetBytes + lengthBytes);
        for (long at = Math.Max(0, offsetBytes); at < end; at += ReadAheadPieceBytes)
        {
            _ = LibC.FAdvise(Descriptor, OffsetBytes + at, Math.Min(ReadAheadPieceBytes, end - at), willNeed);
        }
    }

    /// <inheritdoc/>
    public override void Forget(long offsetBytes, long lengthBytes)
    {
        const int dontNeed = 4;
        _ = LibC.FAdvise(Descriptor, OffsetBytes + offsetBytes, lengthBytes, dontNeed);
    }

    /// <inheritdoc/>
    public override void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        CheckWritable(offsetBytes, buffer.Length);
        CountWritten(buffer.Length);
        fixed (byte* start = buffer)
        {
            WriteAll(start, buffer.Length, OffsetBytes + offsetBytes, cutsShort: true);
        }
        _behind.Wrote(Descriptor, OffsetBytes + offsetBytes, buffer.Length);
    }

    /// <inheritdoc/>
    public override void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        long total = 0;
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            total += buffer.Length;
        }
        CheckWritable(offsetBytes, total);
        CountWritten(total);
        while (!buffers.IsEmpty)
        {
            int take = Math.Min(buffers.Length, MaximumVectors);
            offsetBytes += WriteVectors(offsetBytes, buffers[..take]);
            buffers = buffers[take..];
        }
    }

    private protected override Errno DiscardRange(long offsetBytes, long lengthBytes) => IsBlockDevice
        ? base.DiscardRange(offsetBytes, lengthBytes)
        : PunchRange(offsetBytes, lengthBytes);

    private protected override Errno ZeroRange(long offsetBytes, long lengthBytes) => IsBlockDevice
        ? base.ZeroRange(offsetBytes, lengthBytes)
        : PunchRange(offsetBytes, lengthBytes);

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

    /// <summary>Reads what the host has in memory, and calls out when that is not all.</summary>
    /// <returns>Bytes read from the start.</returns>
    private int ReadCached(byte* start, int length, long offsetBytes)
    {
        const int noWait = 8;
        var vector = new IoVector { Base = start, Length = (nuint)length };
        nint count = _waitsUnknown ? 0 : LibC.PReadV2(Descriptor, &vector, 1, OffsetBytes + offsetBytes, noWait);
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
            WritePieces(offsetBytes, vectors, total);
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

    private void WritePieces(long offsetBytes, Span<IoVector> vectors, long total)
    {
        for (long done = 0; done < total;)
        {
            nint count;
            fixed (IoVector* first = vectors)
            {
                count = LibC.PWriteV(Descriptor, first, vectors.Length, OffsetBytes + offsetBytes + done);
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

    private Errno PunchRange(long offsetBytes, long lengthBytes)
    {
        const FallocateMode mode = FallocateMode.PunchHole | FallocateMode.KeepSize;
        while (LibC.FAllocate(Descriptor, (int)mode, OffsetBytes + offsetBytes, lengthBytes) != 0)
        {
            Errno error = LibC.LastError;
            if (error != Errno.Interrupted)
            {
                return error;
            }
        }
        return Errno.Ok;
    }
}

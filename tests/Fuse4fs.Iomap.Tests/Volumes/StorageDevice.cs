using Fuse4fs.Ext4.Storage;
using Fuse4fs.KernelTwin.Devices;
using Errno = Fuse4fs.KernelTwin.Wire.Errno;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>The twin's block device for the engine: metadata and data meet on one medium, in one order.</summary>
internal sealed class StorageDevice(IBlockStorage storage) : IBlockDevice
{
    private readonly Lock _gate = new();
    private long _written;

    public long LengthBytes => storage.LengthBytes;

    public bool IsReadOnly => false;

    public long WrittenBytes => Interlocked.Read(ref _written);

    /// <summary>Looked at before every write: the kernel has frozen the file system.</summary>
    public Func<bool> IsFrozen { get; set; } = static () => false;

    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_gate)
        {
            Check(storage.Read(offsetBytes, buffer), "read");
        }
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (IsFrozen())
        {
            throw new InvalidOperationException($"a write at {offsetBytes} while frozen");
        }
        lock (_gate)
        {
            Check(storage.Write(offsetBytes, buffer), "write");
        }
        Interlocked.Add(ref _written, buffer.Length);
    }

    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            Write(offsetBytes, buffer.Span);
            offsetBytes += buffer.Length;
        }
    }

    public void Flush()
    {
        lock (_gate)
        {
            Check(storage.Flush(), "flush");
        }
    }

    public void Discard(long offsetBytes, long lengthBytes)
    {
    }

    public void WriteZeros(long offsetBytes, long lengthBytes)
    {
        byte[] zeros = new byte[1 << 16];
        for (long done = 0; done < lengthBytes; done += zeros.Length)
        {
            Write(offsetBytes + done, zeros.AsSpan(0, (int)Math.Min(zeros.Length, lengthBytes - done)));
        }
    }

    public void Dispose()
    {
    }

    private static void Check(Errno error, string what)
    {
        if (error != Errno.Ok)
        {
            throw new DeviceException((Linux.Errno)(int)error, $"{what}: {error}");
        }
    }
}

using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Testing;

/// <summary>A device in an array: fast, without a file, its bytes at hand.</summary>
public sealed class MemoryDevice : IBlockDevice
{
    private readonly Lock _gate = new();

    /// <summary>Uses the array itself, no copy.</summary>
    public MemoryDevice(byte[] bytes) => Bytes = bytes;

    /// <summary>The device's contents.</summary>
    public byte[] Bytes { get; }

    /// <inheritdoc/>
    public long LengthBytes => Bytes.Length;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <summary>A device with the contents of an image file.</summary>
    public static MemoryDevice Load(string path) => new(File.ReadAllBytes(path));

    /// <summary>Writes the contents to a file, for a tool to look at.</summary>
    public void Save(string path) => File.WriteAllBytes(path, Bytes);

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_gate)
        {
            At(offsetBytes, buffer.Length).CopyTo(buffer);
        }
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_gate)
        {
            buffer.CopyTo(At(offsetBytes, buffer.Length));
        }
    }

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        foreach (ReadOnlyMemory<byte> buffer in buffers)
        {
            Write(offsetBytes, buffer.Span);
            offsetBytes += buffer.Length;
        }
    }

    /// <summary>Nothing to do: memory forgets only all at once.</summary>
    public void Flush()
    {
    }

    /// <summary>Nothing to do.</summary>
    public void Discard(long offsetBytes, long lengthBytes)
    {
    }

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes)
    {
        lock (_gate)
        {
            At(offsetBytes, checked((int)lengthBytes)).Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private Span<byte> At(long offsetBytes, int lengthBytes)
    {
        if (offsetBytes < 0 || offsetBytes > Bytes.Length - lengthBytes)
        {
            throw new DeviceException(
                Errno.InputOutput, $"{lengthBytes} bytes at byte {offsetBytes} of {Bytes.Length}");
        }
        return Bytes.AsSpan((int)offsetBytes, lengthBytes);
    }
}

using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>A read-only device in memory that counts what is read, so that work out of all proportion to the image is
/// noticed without a clock.</summary>
internal sealed class BoundedDevice(byte[] image, int lengthBytes) : IBlockDevice
{
    private long _bytesRead;

    /// <summary>Bytes read so far.</summary>
    public long BytesRead => _bytesRead;

    /// <inheritdoc/>
    public long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => true;

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        _bytesRead += buffer.Length;
        if (offsetBytes < 0 || offsetBytes > lengthBytes - buffer.Length)
        {
            throw new DeviceException(Errno.InputOutput, $"{buffer.Length} bytes at {offsetBytes} of {lengthBytes}");
        }
        image.AsSpan((int)offsetBytes, buffer.Length).CopyTo(buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer) => throw Refusal();

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers) => throw Refusal();

    /// <inheritdoc/>
    public void Flush() => throw Refusal();

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes) => throw Refusal();

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes) => throw Refusal();

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Not one of the documented exceptions: whoever writes to a read-only volume has a bug.</summary>
    private static InvalidOperationException Refusal() => new("a read-only volume was written to");
}

using System.Collections.Concurrent;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Tests.Allocation;

/// <summary>Counts what one thread reads of a device, and keeps what is discarded instead of doing it.</summary>
internal sealed class WatchedDevice(IBlockDevice below) : IBlockDevice
{
    private readonly int _thread = Environment.CurrentManagedThreadId;

    /// <summary>Bytes read by the thread that made this object.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Offsets and lengths discarded, bytes.</summary>
    public ConcurrentQueue<(long Offset, long Length)> Discarded { get; } = new();

    public long LengthBytes => below.LengthBytes;

    public bool IsReadOnly => below.IsReadOnly;

    public void Read(long offsetBytes, Span<byte> buffer)
    {
        if (Environment.CurrentManagedThreadId == _thread)
        {
            BytesRead += buffer.Length;
        }
        below.Read(offsetBytes, buffer);
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer) => below.Write(offsetBytes, buffer);

    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers) =>
        below.WriteVectored(offsetBytes, buffers);

    public void Flush() => below.Flush();

    public void Discard(long offsetBytes, long lengthBytes) => Discarded.Enqueue((offsetBytes, lengthBytes));

    public void WriteZeros(long offsetBytes, long lengthBytes) => below.WriteZeros(offsetBytes, lengthBytes);

    public void Dispose() => below.Dispose();
}

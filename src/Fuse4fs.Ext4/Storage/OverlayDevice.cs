using System.Collections.Concurrent;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>A device that is only read, with changes kept in memory over it: a dirty journal is replayed into one, so that
/// a read-only mount sees a consistent volume and the image stays untouched.</summary>
/// <param name="below">Where unchanged blocks come from; disposed with the overlay.</param>
/// <param name="blockSizeBytes">Changes are kept in whole blocks of this size and written so.</param>
public sealed class OverlayDevice(IBlockDevice below, int blockSizeBytes) : IBlockDevice
{
    private readonly ConcurrentDictionary<long, byte[]> _changed = [];

    /// <inheritdoc/>
    public long LengthBytes => below.LengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => false;

    /// <summary>Blocks that differ from the device below.</summary>
    public int ChangedBlocks => _changed.Count;

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        below.Read(offsetBytes, buffer);
        if (_changed.IsEmpty || buffer.IsEmpty)
        {
            return;
        }
        long end = offsetBytes + buffer.Length;
        for (long index = offsetBytes / blockSizeBytes; index * blockSizeBytes < end; index++)
        {
            if (_changed.TryGetValue(index, out byte[]? block))
            {
                long from = Math.Max(offsetBytes, index * blockSizeBytes);
                long to = Math.Min(end, (index + 1) * blockSizeBytes);
                block.AsSpan((int)(from - (index * blockSizeBytes)), (int)(to - from))
                    .CopyTo(buffer[(int)(from - offsetBytes)..]);
            }
        }
    }

    /// <inheritdoc/>
    public void ReadAhead(long offsetBytes, long lengthBytes) => below.ReadAhead(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - buffer.Length)
        {
            throw new DeviceException(Errno.InputOutput, $"write of {buffer.Length} bytes at byte {offsetBytes}");
        }
        while (!buffer.IsEmpty)
        {
            long index = offsetBytes / blockSizeBytes;
            int start = (int)(offsetBytes % blockSizeBytes);
            int count = Math.Min(blockSizeBytes - start, buffer.Length);
            byte[] block = new byte[blockSizeBytes];
            if (count < blockSizeBytes)
            {
                int available = (int)Math.Min(blockSizeBytes, LengthBytes - (index * blockSizeBytes));
                Read(index * blockSizeBytes, block.AsSpan(0, available));
            }
            buffer[..count].CopyTo(block.AsSpan(start));
            _changed[index] = block;    // replaced whole: a reader sees the old block or the new one
            buffer = buffer[count..];
            offsetBytes += count;
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

    /// <summary>Nothing to do: memory is all there is.</summary>
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
        byte[] zeros = new byte[blockSizeBytes];
        for (long done = 0; done < lengthBytes;)
        {
            int count = (int)Math.Min(blockSizeBytes, lengthBytes - done);
            Write(offsetBytes + done, zeros.AsSpan(0, count));
            done += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => below.Dispose();
}

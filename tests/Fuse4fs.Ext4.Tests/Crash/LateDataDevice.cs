using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Tests.Crash;

/// <summary>Behaves as if file data were written only after the commit that maps it: holds writes of
/// <see cref="CrashWorkload"/>'s patterns back for two flushes. To prove that the tests notice.</summary>
internal sealed class LateDataDevice(IBlockDevice below) : IBlockDevice
{
    private const int HeldForFlushes = 2;

    private readonly Lock _gate = new();
    private readonly List<(long Offset, byte[] Data, int ReleasedAt)> _held = [];
    private int _flushes;

    public long LengthBytes => below.LengthBytes;

    public bool IsReadOnly => below.IsReadOnly;

    public void Read(long offsetBytes, Span<byte> buffer)
    {
        lock (_gate)
        {
            below.Read(offsetBytes, buffer);
            foreach ((long offset, byte[] data, _) in _held)
            {
                long start = Math.Max(offset, offsetBytes);
                long end = Math.Min(offset + data.Length, offsetBytes + buffer.Length);
                if (start < end)
                {
                    data.AsSpan((int)(start - offset), (int)(end - start)).CopyTo(buffer[(int)(start - offsetBytes)..]);
                }
            }
        }
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        lock (_gate)
        {
            if (IsPattern(buffer))
            {
                _held.Add((offsetBytes, buffer.ToArray(), _flushes + HeldForFlushes));
                return;
            }
            below.Write(offsetBytes, buffer);
        }
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
        below.Flush();
        lock (_gate)
        {
            _flushes++;
            foreach ((long offset, byte[] data, _) in _held.Where(held => held.ReleasedAt <= _flushes))
            {
                below.Write(offset, data);
            }
            _held.RemoveAll(held => held.ReleasedAt <= _flushes);
        }
    }

    public void Discard(long offsetBytes, long lengthBytes) => below.Discard(offsetBytes, lengthBytes);

    public void WriteZeros(long offsetBytes, long lengthBytes) => below.WriteZeros(offsetBytes, lengthBytes);

    public void Dispose()
    {
        foreach ((long offset, byte[] data, _) in _held)
        {
            below.Write(offset, data);
        }
        below.Dispose();
    }

    private static bool IsPattern(ReadOnlySpan<byte> data)
    {
        int first = data.IndexOfAnyExcept((byte)0);
        return first >= 0 && data[first] is >= CrashWorkload.FirstPattern
            and < CrashWorkload.FirstPattern + CrashWorkload.Patterns
            && !data.ContainsAnyExcept((byte)0, data[first]) && data.Count(data[first]) > 64;
    }
}

namespace Fuse4fs.Ext4.Storage;

/// <summary>Keeps a few buffers between uses, so that reading and writing allocates nothing once it has begun.</summary>
internal sealed class AlignedBufferPool(int lengthBytes, int keep) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly AlignedBuffer?[] _kept = new AlignedBuffer?[keep];
    private int _count;

    public AlignedBuffer Rent()
    {
        lock (_gate)
        {
            if (_count > 0)
            {
                return _kept[--_count]!;
            }
        }
        return new AlignedBuffer(lengthBytes);
    }

    public void Return(AlignedBuffer buffer)
    {
        lock (_gate)
        {
            if (_count < _kept.Length)
            {
                _kept[_count++] = buffer;
                return;
            }
        }
        buffer.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            while (_count > 0)
            {
                _kept[--_count]!.Dispose();
            }
        }
    }
}

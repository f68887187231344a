using System.Numerics;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>Pinned buffers for transactions, reused from commit to commit. Sizes are powers of two, from 1 MiB on
/// multiples of that.</summary>
internal sealed class BufferPool(long capacityBytes)
{
    private const int SmallestBytes = 64 * 1024;
    private const int StepBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<byte[]> _free = [];
    private long _freeBytes;

    /// <summary>A buffer of at least this size, with any contents.</summary>
    public byte[] Rent(int lengthBytes)
    {
        int size = lengthBytes > StepBytes
            ? (lengthBytes + StepBytes - 1) / StepBytes * StepBytes
            : (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(lengthBytes, SmallestBytes));
        lock (_gate)
        {
            int index = _free.FindIndex(buffer => buffer.Length == size);
            if (index >= 0)
            {
                byte[] buffer = _free[index];
                _free.RemoveAt(index);
                _freeBytes -= size;
                return buffer;
            }
        }
        return GC.AllocateUninitializedArray<byte>(size, pinned: true);
    }

    /// <summary>Gives a buffer back; nobody may use it any more.</summary>
    public void Return(byte[] buffer)
    {
        lock (_gate)
        {
            if (_freeBytes + buffer.Length <= capacityBytes)
            {
                _free.Add(buffer);
                _freeBytes += buffer.Length;
            }
        }
    }
}

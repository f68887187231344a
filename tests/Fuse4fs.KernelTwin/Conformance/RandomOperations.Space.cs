using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Conformance;

/// <content>What is left of calls that stopped for want of space.</content>
public sealed partial class RandomOperations
{
    private static byte[] With(ModelFile model, long offset, ReadOnlySpan<byte> data)
    {
        byte[] content = (byte[])model.Content.Clone();
        data.CopyTo(content.AsSpan((int)offset));
        return content;
    }

    /// <summary>Whether a result, less than was wanted, is what a full volume gives.</summary>
    private bool IsFull(long result)
    {
        bool isFull = MayBeFull && (result >= 0 || result == -(long)Errno.ENOSPC);
        Refused += isFull ? 1 : 0;
        return isFull;
    }

    /// <summary>A call ended early. Which of its bytes are there is not promised; all others are as before.</summary>
    private void Adopt(int index, ModelFile model, long offset, ReadOnlySpan<byte> data)
    {
        long size = bench.User.Fstat(_fds[index]).Stat!.Size;
        Bench.Equal(true, size >= model.Size && size <= Math.Max(model.Size, offset + data.Length),
            $"size {size} after {offset}+{data.Length}, before {model.Size}");
        byte[] before = model.Content;
        byte[] found = new byte[size];
        Bench.Equal(size, bench.User.Pread(_fds[index], found, 0), "length after a call that ended early");
        for (int i = 0; i < found.Length; i++)
        {
            byte old = i < before.Length ? before[i] : (byte)0;
            bool isNew = i >= offset && i < offset + data.Length && found[i] == data[(int)(i - offset)];
            if (found[i] != old && !isNew)
            {
                throw new ConformanceException($"file {index}: byte {i} is {found[i]:x2}, was {old:x2}, "
                    + $"after {offset}+{data.Length} ended early");
            }
        }
        model.Resize(size);
        model.Write(0, found);
    }
}

using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Uring;

/// <summary>Writes many messages with one system call. Used by one thread at a time, by whichever.</summary>
internal sealed unsafe class MessageRing : IDisposable
{
    /// <summary>Messages handed over at once.</summary>
    private const int Most = 512;

    private readonly IoRing _ring;

    private MessageRing(IoRing ring) => _ring = ring;

    public static Errno TryCreate(out MessageRing? ring)
    {
        Errno error = IoRing.TryCreate(Most, out IoRing? inner, isOneThreads: false);
        ring = inner is null ? null : new MessageRing(inner);
        return error;
    }

    /// <summary>Sends them all and waits until all are done.</summary>
    /// <returns>False: the ring cannot be used any more. Results that are not known are InputOutput then.</returns>
    public bool Write(FileDescriptor descriptor, byte* messages, int messageBytes, Span<Errno> results)
    {
        for (int first = 0; first < results.Length; first += Most)
        {
            Span<Errno> part = results[first..Math.Min(first + Most, results.Length)];
            if (!WritePart(descriptor, messages + ((long)first * messageBytes), messageBytes, part))
            {
                results[(first + part.Length)..].Fill(Errno.InputOutput);
                return false;
            }
        }
        return true;
    }

    public void Dispose() => _ring.Dispose();

    private bool WritePart(FileDescriptor descriptor, byte* messages, int messageBytes, Span<Errno> results)
    {
        const ulong noPosition = ulong.MaxValue;
        results.Fill(Errno.InputOutput);
        for (int i = 0; i < results.Length; i++)
        {
            ref IoRing.Submission submission = ref _ring.Next();
            submission.Opcode = IoRing.Submission.Write;
            submission.Descriptor = descriptor.Number;
            submission.FileOffset = noPosition;
            submission.Address = (ulong)(messages + ((long)i * messageBytes));
            submission.Length = (uint)messageBytes;
            submission.UserData = (ulong)i;
        }
        int done = 0;
        while (done < results.Length)
        {
            Errno error = _ring.Enter((uint)(results.Length - done));
            if (error is not (Errno.Ok or Errno.Interrupted or Errno.Again or Errno.Busy))
            {
                return false;
            }
            while (_ring.TryTake(out IoRing.Completion completion))
            {
                results[(int)completion.UserData] = completion.Result < 0 ? (Errno)(-completion.Result) : Errno.Ok;
                done++;
            }
        }
        return true;
    }
}

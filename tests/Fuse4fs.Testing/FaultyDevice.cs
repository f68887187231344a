using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Testing;

/// <summary>Fails chosen operations of the device below.</summary>
public sealed class FaultyDevice(IBlockDevice below) : IBlockDevice
{
    [ThreadStatic]
    private static bool t_isSuspended;

    private readonly Lock _gate = new();
    private int _reads;
    private int _writes;
    private int _flushes;

    /// <summary>Says whether the n-th read, counted from 1, fails.</summary>
    public Func<int, bool> FailsRead { get; set; } = static _ => false;

    /// <summary>Says whether the n-th write, counted from 1, fails. A failing write changes nothing.</summary>
    public Func<int, bool> FailsWrite { get; set; } = static _ => false;

    /// <summary>Says whether the n-th flush, counted from 1, fails.</summary>
    public Func<int, bool> FailsFlush { get; set; } = static _ => false;

    /// <summary>Whether this thread's operations neither fail nor count: the test itself looks.</summary>
    public static bool IsSuspended
    {
        get => t_isSuspended;
        set => t_isSuspended = value;
    }

    /// <summary>Reads so far.</summary>
    public int Reads => Volatile.Read(ref _reads);

    /// <summary>Writes so far.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>Flushes so far.</summary>
    public int Flushes => Volatile.Read(ref _flushes);

    /// <inheritdoc/>
    public long LengthBytes => below.LengthBytes;

    /// <inheritdoc/>
    public bool IsReadOnly => below.IsReadOnly;

    /// <summary>Has the n-th operation of a kind from now on fail.</summary>
    /// <param name="what">The kind.</param>
    /// <param name="nth">Counted from 1.</param>
    /// <param name="isForEver">All behind it fail, too.</param>
    public void Fail(Failing what, int nth, bool isForEver)
    {
        lock (_gate)
        {
            int first = nth + (what switch
            {
                Failing.Reads => Reads,
                Failing.Writes => Writes,
                _ => Flushes,
            });
            bool Rule(int number) => isForEver ? number >= first : number == first;
            switch (what)
            {
                case Failing.Reads:
                    FailsRead = Rule;
                    break;
                case Failing.Writes:
                    FailsWrite = Rule;
                    break;
                default:
                    FailsFlush = Rule;
                    break;
            }
        }
    }

    /// <summary>From now on every operation of the kind works again.</summary>
    public void Heal()
    {
        lock (_gate)
        {
            FailsRead = FailsWrite = FailsFlush = static _ => false;
        }
    }

    /// <inheritdoc/>
    public void Read(long offsetBytes, Span<byte> buffer)
    {
        Count(ref _reads, FailsRead, $"read at byte {offsetBytes}");
        below.Read(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void Write(long offsetBytes, ReadOnlySpan<byte> buffer)
    {
        Count(ref _writes, FailsWrite, $"write at byte {offsetBytes}");
        below.Write(offsetBytes, buffer);
    }

    /// <inheritdoc/>
    public void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        Count(ref _writes, FailsWrite, $"write at byte {offsetBytes}");
        below.WriteVectored(offsetBytes, buffers);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        Count(ref _flushes, FailsFlush, "flush");
        below.Flush();
    }

    /// <inheritdoc/>
    public void Discard(long offsetBytes, long lengthBytes) => below.Discard(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public void WriteZeros(long offsetBytes, long lengthBytes)
    {
        Count(ref _writes, FailsWrite, $"write at byte {offsetBytes}");
        below.WriteZeros(offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => below.Dispose();

    private void Count(ref int counter, Func<int, bool> fails, string operation)
    {
        if (t_isSuspended)
        {
            return;
        }
        int number = Interlocked.Increment(ref counter);
        lock (_gate)
        {
            if (fails(number))
            {
                throw new DeviceException(Errno.InputOutput, operation);
            }
        }
    }
}

using System.Diagnostics;

namespace Fuse4fs.Fuse;

/// <summary>How a worker waits for its next request: it looks again and again for as long as that has lately paid off,
/// then it sleeps in the kernel.</summary>
/// <remarks>
/// <para>A program that works its way through a tree asks again within microseconds. To sleep meanwhile costs two context
/// switches and, once the CPU has gone idle, an interrupt to wake it: several times what the request itself does. Looking
/// is therefore limited to about what a sleep would cost: in the worst case waiting costs twice as much as it must.</para>
/// <para>Whether it pays off is learnt: looks that found something count for it, those that did not count against it, and
/// while it is off, sleeps that were short. One worker looks at a time, none on a machine with one CPU, and one that was
/// kept from its CPU meanwhile takes that as somebody else's need of it.</para>
/// </remarks>
internal sealed class RequestWait(IFuseTransport transport, LookingPlace place)
{
    /// <summary>Bounds of the balance; at zero and above it looks.</summary>
    private const int Trust = 8;

    private const int CostOfVainLook = 2;

    /// <summary>Short sleeps before it looks again where others want the CPU.</summary>
    private const int LongDistrust = 64;

    private static readonly long _longestLook = Microseconds(50);
    private static readonly long _shortSleep = Microseconds(100);
    private static readonly long _interrupted = Microseconds(200);

    private int _balance;
    private bool _isBlocking = true;

    /// <summary>Waits for a request.</summary>
    /// <inheritdoc cref="IFuseTransport.Read"/>
    public ReadOutcome Next(Span<byte> buffer, out int length)
    {
        if (_balance < 0)
        {
            return SleepAndLearn(buffer, out length);
        }
        if (place.TryEnter())
        {
            ReadOutcome outcome = Look(buffer, out length);
            place.Leave();
            if (outcome != ReadOutcome.Nothing)
            {
                return outcome;
            }
        }
        return Sleep(buffer, out length);
    }

    private static long Microseconds(long count) => count * Stopwatch.Frequency / 1_000_000;

    private ReadOutcome Look(Span<byte> buffer, out int length)
    {
        length = 0;
        if (!SetBlocking(false))
        {
            return ReadOutcome.Nothing;
        }
        long start = Stopwatch.GetTimestamp();
        long elapsed;
        ReadOutcome outcome;
        while (true)
        {
            outcome = transport.Read(buffer, out length);
            elapsed = Stopwatch.GetTimestamp() - start;
            if (outcome != ReadOutcome.Nothing || elapsed >= _longestLook)
            {
                break;
            }
            Thread.Yield();     // whoever wants this CPU gets it, and the time that takes shows that somebody does
        }
        _balance = elapsed >= _interrupted ? -LongDistrust
            : outcome == ReadOutcome.Request ? Math.Min(_balance + 1, Trust)
            : Math.Max(_balance - CostOfVainLook, -Trust);
        return outcome;
    }

    private ReadOutcome SleepAndLearn(Span<byte> buffer, out int length)
    {
        long start = Stopwatch.GetTimestamp();
        ReadOutcome outcome = Sleep(buffer, out length);
        if (Stopwatch.GetTimestamp() - start < _shortSleep)
        {
            _balance++;
        }
        return outcome;
    }

    private ReadOutcome Sleep(Span<byte> buffer, out int length)
    {
        SetBlocking(true);
        return transport.Read(buffer, out length);
    }

    private bool SetBlocking(bool isBlocking)
    {
        if (_isBlocking != isBlocking && transport.TrySetBlocking(isBlocking))
        {
            _isBlocking = isBlocking;
        }
        return _isBlocking == isBlocking;
    }
}

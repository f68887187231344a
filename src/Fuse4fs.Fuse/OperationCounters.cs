using System.Diagnostics;
using System.Numerics;

namespace Fuse4fs.Fuse;

/// <summary>Counts of one worker: written by it alone, read by whoever asks, without locks (a sum may be one request
/// behind).</summary>
internal sealed class OperationCounters
{
    private readonly OperationCount[] _counts = new OperationCount[OperationTable.Slots];

    /// <summary>Counts a request taken up: before its answer, so that whoever got that finds it counted.</summary>
    /// <param name="slot">See <see cref="OperationTable.SlotOf"/>.</param>
    public void Begin(int slot) => _counts[slot].Requests++;

    /// <summary>Adds what became of it.</summary>
    /// <param name="slot">As before.</param>
    /// <param name="ticks">Time it took, Stopwatch ticks.</param>
    /// <param name="failed">Whether the answer was an error.</param>
    public void End(int slot, long ticks, bool failed)
    {
        ref OperationCount count = ref _counts[slot];
        count.Errors += failed ? 1 : 0;
        count.Ticks += ticks;
        if (ticks > count.LongestTicks)
        {
            count.LongestTicks = ticks;
        }
        ulong microseconds = (ulong)(ticks * 1_000_000 / Stopwatch.Frequency);
        count.Histogram[Math.Min(BitOperations.Log2(microseconds | 1), OperationCount.Buckets - 1)]++;
    }

    /// <summary>Adds these counts to a sum.</summary>
    public void AddTo(Span<OperationCount> sums)
    {
        for (int slot = 0; slot < _counts.Length; slot++)
        {
            sums[slot].Add(in _counts[slot]);
        }
    }
}

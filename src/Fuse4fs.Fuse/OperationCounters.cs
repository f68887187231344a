using System.Diagnostics;
using System.Numerics;

namespace Fuse4fs.Fuse;

/// <summary>Counts of one worker: written by it alone, read by whoever asks, without locks (a sum may be one request
/// behind).</summary>
internal sealed class OperationCounters
{
    private readonly OperationCount[] _counts = new OperationCount[OperationTable.Slots];

    /// <summary>Adds one answered request.</summary>
    /// <param name="slot">See <see cref="OperationTable.SlotOf"/>.</param>
    /// <param name="ticks">Time it took, Stopwatch ticks.</param>
    /// <param name="failed">Whether the answer was an error.</param>
    public void Add(int slot, long ticks, bool failed)
    {
        ref OperationCount count = ref _counts[slot];
        count.Requests++;
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

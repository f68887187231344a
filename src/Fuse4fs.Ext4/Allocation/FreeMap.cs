using System.Numerics;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>What may be handed out in one group: a bit per cluster, set when it is used on disk, reserved in memory,
/// held by a preallocation window, or freed by a transaction that is not durable yet.</summary>
/// <remarks>Guarded by the group's lock.</remarks>
internal sealed class FreeMap
{
    /// <summary>How many runs are compared once one that is long enough has been seen.</summary>
    private const int ComparedRuns = 64;

    /// <summary>How much is left to a growing file, at most; never more than half of what is there.</summary>
    private const int TerritoryClusters = 8192;

    private readonly byte[] _bits;

    /// <summary>Copies a block bitmap.</summary>
    /// <param name="bitmap">The block bitmap of the group, as on disk.</param>
    /// <param name="clusters">Clusters of the group; bits from there on count as used.</param>
    public FreeMap(ReadOnlySpan<byte> bitmap, int clusters)
    {
        _bits = GC.AllocateUninitializedArray<byte>((clusters + 63) / 64 * 8);
        bitmap[.._bits.Length].CopyTo(_bits);
        Clusters = clusters;
        if (_bits.Length * 8 > clusters)
        {
            Bits.Set(clusters, (_bits.Length * 8) - clusters);
        }
        FreeClusters = Bits.CountClear(0, clusters);
        LongestBound = FreeClusters;
    }

    /// <summary>Clusters of the group.</summary>
    public int Clusters { get; }

    /// <summary>Clusters that may be handed out.</summary>
    public int FreeClusters { get; private set; }

    /// <summary>No free run is longer; found to be exact by a search that failed.</summary>
    public int LongestBound { get; private set; }

    /// <summary>Where the last small request ended: the next one continues there, so that small files lie
    /// together.</summary>
    public int Cursor { get; private set; }

    /// <summary>Memory held, bytes.</summary>
    public int SizeBytes => _bits.Length;

    private BitmapView Bits => new(_bits);

    /// <summary>Free clusters from <paramref name="start"/> on, counted up to <paramref name="wanted"/>.</summary>
    public int FreeAt(int start, int wanted)
    {
        int end = Math.Min(Clusters, start + wanted);
        return Bits.NextSet(start, end) - start;
    }

    /// <summary>First free run at or after <paramref name="from"/>.</summary>
    public bool NextRun(int from, int end, out int start, out int length)
    {
        start = Bits.NextClear(from, end);
        length = start < end ? Bits.NextSet(start, end) - start : 0;
        return length > 0;
    }

    /// <summary>Looks for the best place: the shortest run that is long enough, from a boundary of the alignment where
    /// it has room for that; else far behind a file that is growing; else the longest run there is.</summary>
    /// <param name="from">Where to start looking; the search wraps around.</param>
    /// <param name="wanted">Clusters, at least 1.</param>
    /// <param name="isFirstFit">Takes the first run that is long enough instead of comparing.</param>
    /// <param name="alignment">Where long runs are to start.</param>
    /// <param name="frontiers">Where files are growing: what is free there is left to them as long as possible.</param>
    public FreeRun Find(
        int from, int wanted, bool isFirstFit, RunAlignment alignment, ReadOnlySpan<int> frontiers)
    {
        var best = new FreeRun(0, 0);
        var spare = new FreeRun(0, 0);
        int longest = 0;
        int compared = 0;
        for (int pass = 0; pass < 2; pass++)
        {
            // The second pass runs on to the end of the run that crosses the starting point.
            int bit = pass == 0 ? from : 0;
            int end = pass == 0 ? Clusters : Bits.NextSet(from, Clusters);
            while (NextRun(bit, end, out int start, out int length))
            {
                bit = start + length;
                longest = Math.Max(longest, length);
                if (frontiers.Contains(start))
                {
                    int skipped = Math.Min(length / 2, TerritoryClusters);
                    spare = Longer(spare, alignment.Apply(start + skipped, length - skipped, wanted));
                    continue;
                }
                FreeRun run = alignment.Apply(start, length, wanted);
                if (IsBetter(run, best, wanted))
                {
                    best = run;
                }
                if (best.Length >= wanted && (isFirstFit || best.Length == wanted || ++compared >= ComparedRuns))
                {
                    return best;
                }
            }
        }
        if (longest < wanted)
        {
            LongestBound = longest;
        }
        return best.Length >= wanted ? best : Longer(best, spare);
    }

    /// <summary>Takes a run that is free.</summary>
    public void Take(int start, int length, bool isSmall)
    {
        Bits.Set(start, length);
        FreeClusters -= length;
        LongestBound = Math.Min(LongestBound, FreeClusters);
        if (isSmall)
        {
            Cursor = start + length < Clusters ? start + length : 0;
        }
    }

    /// <summary>Gives a run back that was taken.</summary>
    /// <returns>False, with nothing changed, when a part of it is free already.</returns>
    public bool Return(int start, int length)
    {
        if (!Bits.IsSet(start, length))
        {
            return false;
        }
        Bits.Clear(start, length);
        FreeClusters += length;
        int merged = Bits.NextSet(start, Clusters) - Bits.RunStart(start);
        LongestBound = Math.Max(LongestBound, merged);
        return true;
    }

    /// <summary>Whether every cluster of a range is free.</summary>
    public bool IsFree(int start, int length) => Bits.IsClear(start, length);

    /// <summary>Floor of the binary logarithm of a run's length, plus one; 0 for no run.</summary>
    public static byte OrderOf(int length) => length == 0 ? (byte)0 : (byte)(BitOperations.Log2((uint)length) + 1);

    private static bool IsBetter(FreeRun candidate, FreeRun best, int wanted) => best.Length < wanted
        ? candidate.Length > best.Length
        : candidate.Length >= wanted && candidate.Length < best.Length;

    private static FreeRun Longer(FreeRun left, FreeRun right) => right.Length > left.Length ? right : left;
}

using System.Diagnostics;

namespace Fuse4fs.Fuse;

/// <summary>How often one kind of request came and how long the handler took, the writing of the reply included.</summary>
public struct OperationCount
{
    /// <summary>Number of <see cref="Histogram"/> buckets.</summary>
    public const int Buckets = 24;

    /// <summary>Requests taken up; the other figures follow when they are answered.</summary>
    public long Requests;

    /// <summary>Of these, answered with an error; ENOENT counts.</summary>
    public long Errors;

    /// <summary>Time of all, Stopwatch ticks.</summary>
    public long Ticks;

    /// <summary>Longest, Stopwatch ticks.</summary>
    public long LongestTicks;

    /// <summary>Bucket n counts those of 2^n up to 2^(n+1) microseconds; the first one also the shorter ones.</summary>
    public OperationHistogram Histogram;

    /// <summary>Time of all.</summary>
    public readonly TimeSpan Total => Stopwatch.GetElapsedTime(0, Ticks);

    /// <summary>Longest time.</summary>
    public readonly TimeSpan Longest => Stopwatch.GetElapsedTime(0, LongestTicks);

    /// <summary>How long a share of the requests took at most, microseconds: within a bucket times are taken to lie evenly,
    /// so it may be wrong by as much as a bucket is wide.</summary>
    /// <param name="share">0 to 1.</param>
    public readonly double Percentile(double share)
    {
        long answered = 0;
        foreach (long count in Histogram)
        {
            answered += count;
        }
        double wanted = answered * share;
        double before = 0;
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            long here = Histogram[bucket];
            if (here > 0 && before + here >= wanted)
            {
                double from = bucket == 0 ? 0 : 1L << bucket;
                double to = 1L << (bucket + 1);
                double at = from + ((to - from) * (wanted - before) / here);
                return Math.Round(Math.Min(at, Longest.TotalMicroseconds), 1);
            }
            before += here;
        }
        return 0;
    }

    internal void Add(in OperationCount other)
    {
        Requests += other.Requests;
        Errors += other.Errors;
        Ticks += other.Ticks;
        LongestTicks = Math.Max(LongestTicks, other.LongestTicks);
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            Histogram[bucket] += other.Histogram[bucket];
        }
    }
}

namespace Fuse4fs.Bench.Scenarios;

/// <summary>How a phase is expressed.</summary>
internal enum Figure
{
    /// <summary>Operations per second; more is better.</summary>
    Rate,

    /// <summary>Megabytes (10^6) per second; more is better.</summary>
    Throughput,

    /// <summary>Seconds; less is better.</summary>
    Duration,
}

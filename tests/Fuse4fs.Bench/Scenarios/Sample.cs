using Fuse4fs.Bench.Measuring;

namespace Fuse4fs.Bench.Scenarios;

/// <summary>One run of one phase on one system.</summary>
/// <param name="Phase">Name of the phase.</param>
/// <param name="System">Name of the system.</param>
/// <param name="Round">Counts from 0.</param>
/// <param name="Load">What was done; unused when it failed.</param>
/// <param name="ServerCpuSeconds">CPU the server used meanwhile; null where there is none.</param>
/// <param name="ServerResidentBytes">The server's memory afterwards; null where there is none.</param>
/// <param name="Failure">Why there is no figure; null when there is one.</param>
internal sealed record Sample(
    string Phase,
    string System,
    int Round,
    LoadResult Load,
    double? ServerCpuSeconds,
    long? ServerResidentBytes,
    string? Failure);

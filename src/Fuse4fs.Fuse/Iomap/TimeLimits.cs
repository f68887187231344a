namespace Fuse4fs.Fuse.Iomap;

/// <summary>Which times a file system can store.</summary>
/// <param name="GranularityNanoseconds">1 to 1,000,000,000.</param>
/// <param name="EarliestSeconds">Since 1970.</param>
/// <param name="LatestSeconds">Since 1970.</param>
public readonly record struct TimeLimits(uint GranularityNanoseconds, long EarliestSeconds, long LatestSeconds);

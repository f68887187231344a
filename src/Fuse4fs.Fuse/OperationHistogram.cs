using System.Runtime.CompilerServices;

namespace Fuse4fs.Fuse;

/// <summary>Counts by length of time.</summary>
[InlineArray(OperationCount.Buckets)]
public struct OperationHistogram
{
    private long _first;
}

using BenchmarkDotNet.Attributes;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Benchmarks;

/// <summary>What verifying a block costs.</summary>
public class ChecksumBenchmarks
{
    private readonly byte[] _block = new byte[4096];

    /// <summary>crc32c of 4 KiB.</summary>
    [Benchmark]
    public uint Crc32COfBlock() => Crc32C.Append(Crc32C.Start, _block);
}

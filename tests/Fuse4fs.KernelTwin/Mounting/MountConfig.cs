namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>What CONFIG settled. Section 4.</summary>
public sealed record MountConfig
{
    public const long LargestFile = long.MaxValue;
    public const uint DefaultCacheBytes = 262144;

    /// <summary>The unit of all alignment rules.</summary>
    public int BlockSize { get; init; } = 4096;

    public long MaxBytes { get; init; } = LargestFile;

    /// <summary>Limit of each fork of a file's mapping cache; a record counts 32.</summary>
    public uint CacheMaxBytes { get; init; } = DefaultCacheBytes;
}

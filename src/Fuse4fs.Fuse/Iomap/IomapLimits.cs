namespace Fuse4fs.Fuse.Iomap;

/// <summary>What the kernel says of itself in IOMAP_CONFIG.</summary>
/// <param name="MaxFileBytes">Largest file it can handle.</param>
/// <param name="CacheBytes">Memory for the cached mappings of one file unless told otherwise.</param>
public readonly record struct IomapLimits(long MaxFileBytes, uint CacheBytes);

namespace Fuse4fs.Server.Control;

/// <summary>The cache of metadata blocks.</summary>
/// <param name="Requests">Blocks asked for, about.</param>
/// <param name="Misses">Of these, read from the device.</param>
/// <param name="Bytes">Memory in use.</param>
public sealed record CacheStatus(long Requests, long Misses, long Bytes);

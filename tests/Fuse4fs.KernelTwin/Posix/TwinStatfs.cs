namespace Fuse4fs.KernelTwin.Posix;

/// <summary>What statfs(2) shows, in blocks.</summary>
public sealed record TwinStatfs(ulong Blocks, ulong FreeBlocks, uint BlockSize, ulong Files, ulong FreeFiles);

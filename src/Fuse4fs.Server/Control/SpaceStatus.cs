namespace Fuse4fs.Server.Control;

/// <summary>Space, as statfs(2) shows it.</summary>
public sealed record SpaceStatus(ulong Bytes, ulong FreeBytes, ulong AvailableBytes, uint Inodes, uint FreeInodes);

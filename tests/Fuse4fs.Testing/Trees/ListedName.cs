namespace Fuse4fs.Testing.Trees;

/// <summary>One entry of a directory listing.</summary>
public sealed record ListedName(byte[] Name, ulong Inode, byte Type, long NextCookie);

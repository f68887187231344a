namespace Fuse4fs.Fuse.Iomap;

/// <summary>How messages about a file name it. The kernel refuses a pair that does not fit together.</summary>
/// <param name="NodeId">The node.</param>
/// <param name="Inode">attr.ino as reported in its attributes.</param>
public readonly record struct FileIdentity(ulong NodeId, ulong Inode);

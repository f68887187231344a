using Fuse4fs.KernelTwin.Inodes;

namespace Fuse4fs.KernelTwin.Posix;

/// <summary>What stat(2) shows.</summary>
public sealed record TwinStat(ulong Ino, uint Mode, uint Nlink, uint Uid, uint Gid, long Size, ulong Blocks,
    Timestamp Atime, Timestamp Mtime, Timestamp Ctime);

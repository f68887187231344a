namespace Fuse4fs.KernelTwin.Inodes;

/// <summary>A name the kernel remembers; without inode it remembers that there is none.</summary>
internal sealed record Dentry(Inode? Target);

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>What a request asks. The numbers from 4089 on are the patches' placeholders.</summary>
public enum Opcode : uint
{
    Lookup = 1, Forget = 2, Getattr = 3, Setattr = 4, Readlink = 5, Symlink = 6, Mknod = 8, Mkdir = 9, Unlink = 10,
    Rmdir = 11, Rename = 12, Link = 13, Open = 14, Read = 15, Write = 16, Statfs = 17, Release = 18, Fsync = 20,
    Setxattr = 21, Getxattr = 22, Listxattr = 23, Removexattr = 24, Flush = 25, Init = 26, Opendir = 27, Readdir = 28,
    Releasedir = 29, Fsyncdir = 30, Access = 34, Create = 35, Interrupt = 36, Destroy = 38, Ioctl = 39,
    BatchForget = 42, Fallocate = 43, Readdirplus = 44, Rename2 = 45, Lseek = 46, CopyFileRange = 47, Syncfs = 50,
    Tmpfile = 51, Statx = 52, CopyFileRange64 = 53,
    FreezeFs = 4089, UnfreezeFs = 4090, ShutdownFs = 4091, IomapConfig = 4092, IomapIoend = 4093, IomapBegin = 4094,
    IomapEnd = 4095,
}

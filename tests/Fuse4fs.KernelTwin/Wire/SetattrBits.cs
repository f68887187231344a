namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FATTR_*: which fields of SETATTR count.</summary>
[Flags]
public enum SetattrBits : uint
{
    None = 0, Mode = 1, Uid = 2, Gid = 4, Size = 8, Atime = 0x10, Mtime = 0x20, Handle = 0x40, AtimeNow = 0x80,
    MtimeNow = 0x100, LockOwner = 0x200, Ctime = 0x400, KillSuidGid = 0x800,

    /// <summary>The flush of times that the kernel owns.</summary>
    TimeFlush = Atime | Mtime | Ctime,
}

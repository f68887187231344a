namespace Fuse4fs.Linux;

/// <summary>O_* flags of open(2) on x86-64. O_DIRECTORY, O_DIRECT and O_NOFOLLOW differ on arm64.</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    AccessMask = 3,
    Create = 0x40,
    Exclusive = 0x80,
    NoControllingTerminal = 0x100,
    Truncate = 0x200,
    Append = 0x400,
    NonBlocking = 0x800,
    DataSync = 0x1000,
    Direct = 0x4000,
    Directory = 0x10000,
    NoFollow = 0x20000,
    NoAccessTime = 0x40000,
    CloseOnExec = 0x80000,
    Sync = 0x101000,
    Path = 0x200000,

    /// <summary>O_TMPFILE: a file without a name in the directory that is opened.</summary>
    Unnamed = 0x410000,
}

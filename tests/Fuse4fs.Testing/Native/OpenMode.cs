namespace Fuse4fs.Testing.Native;

/// <summary>O_* of Linux on x86-64.</summary>
[Flags]
public enum OpenMode
{
    /// <summary>O_RDONLY.</summary>
    Read = 0,

    /// <summary>O_WRONLY.</summary>
    Write = 1,

    /// <summary>O_RDWR.</summary>
    ReadWrite = 2,

    /// <summary>O_CREAT.</summary>
    Create = 0x40,

    /// <summary>O_EXCL.</summary>
    Exclusive = 0x80,

    /// <summary>O_TRUNC.</summary>
    Truncate = 0x200,

    /// <summary>O_APPEND.</summary>
    Append = 0x400,

    /// <summary>O_NONBLOCK.</summary>
    NonBlocking = 0x800,

    /// <summary>O_DIRECT.</summary>
    Direct = 0x4000,

    /// <summary>O_DIRECTORY.</summary>
    Directory = 0x10000,

    /// <summary>O_NOFOLLOW.</summary>
    NoFollow = 0x20000,

    /// <summary>O_CLOEXEC; always added.</summary>
    CloseOnExec = 0x80000,

    /// <summary>O_TMPFILE.</summary>
    Temporary = 0x410000,
}

namespace Fuse4fs.Server.Handlers;

/// <summary>Numbers of the ioctl commands that ext4 and the VFS define and FUSE carries. Sources: linux/fs.h,
/// linux/ext4.h.</summary>
internal static class IoControlCommands
{
    /// <summary>FS_IOC_GETFLAGS, FS_IOC_SETFLAGS; declared with a long, carrying an int. FS_IOC32_SETFLAGS is missing on
    /// purpose: the kernel turns a 32-bit program's into the long one and checks who may set flags, but one that a
    /// 64-bit program sends comes through unchecked.</summary>
    public const uint GetFlags = 0x80086601, GetFlags32 = 0x80046601, SetFlags = 0x40086602;

    /// <summary>FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR.</summary>
    public const uint GetExtended = 0x801c581f, SetExtended = 0x401c5820;

    /// <summary>FS_IOC_GETVERSION, FS_IOC_SETVERSION.</summary>
    public const uint GetVersion = 0x80087601, GetVersion32 = 0x80047601, SetVersion = 0x40087602, SetVersion32 = 0x40047602;

    /// <summary>EXT4_IOC_GETVERSION, EXT4_IOC_SETVERSION.</summary>
    public const uint GetVersionExt4 = 0x80086603, GetVersionExt4On32 = 0x80046603,
        SetVersionExt4 = 0x40086604, SetVersionExt4On32 = 0x40046604;

    /// <summary>FS_IOC_GETFSLABEL, FS_IOC_SETFSLABEL.</summary>
    public const uint GetLabel = 0x81009431, SetLabel = 0x41009432;

    /// <summary>EXT4_IOC_GETFSUUID.</summary>
    public const uint GetUuid = 0x8008662c;

    /// <summary>EXT4_IOC_SETFSUUID; declared as carrying the head of what it takes.</summary>
    public const uint SetUuid = 0x4008662c;

    /// <summary>EXT4_IOC_CHECKPOINT.</summary>
    public const uint Checkpoint = 0x4004662b;

    /// <summary>EXT4_IOC_RESIZE_FS.</summary>
    public const uint Resize = 0x40086610;

    /// <summary>FS_IOC_GETFSMAP; declared as carrying the head of what it returns.</summary>
    public const uint GetSpaceMap = 0xc0c0583b;

    /// <summary>EXT4_IOC_MIGRATE.</summary>
    public const uint Migrate = 0x6609;

    /// <summary>FITRIM.</summary>
    public const uint Trim = 0xc0185879;

    /// <summary>EXT4_IOC_SHUTDOWN; declared as returning the word it takes.</summary>
    public const uint Shutdown = 0x8004587d;

    /// <summary>sizeof(struct fuse_ioctl_out).</summary>
    public const int AnswerBytes = 16;
}

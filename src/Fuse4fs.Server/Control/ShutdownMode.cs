namespace Fuse4fs.Server.Control;

/// <summary>How a mount is shut down: EXT4_GOING_FLAGS_* of linux/ext4.h. Afterwards every request answers EIO.</summary>
public enum ShutdownMode
{
    /// <summary>Everything is made durable first.</summary>
    Default = 0,

    /// <summary>The log is made durable, file data not: as a crash right after a commit.</summary>
    LogFlush = 1,

    /// <summary>Nothing more is written: as a crash now.</summary>
    NoLogFlush = 2,
}

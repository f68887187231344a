namespace Fuse4fs.KernelTwin.Posix;

/// <summary>RWF_*, and how a write is submitted.</summary>
[Flags]
public enum WriteFlags
{
    None = 0, DataSync = 2, NoWait = 8, Atomic = 0x40, DontCache = 0x80,

    /// <summary>libaio or io_uring: a worker completes it.</summary>
    Asynchronous = 0x1000,
}

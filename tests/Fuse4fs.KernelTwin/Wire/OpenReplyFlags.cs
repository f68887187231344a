namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FOPEN_*: answers to OPEN.</summary>
[Flags]
public enum OpenReplyFlags : uint
{
    None = 0, DirectIo = 1, KeepCache = 2, NonSeekable = 4, CacheDirectory = 8, Stream = 0x10, NoFlush = 0x20,
    ParallelDirectWrites = 0x40, Passthrough = 0x80,
}

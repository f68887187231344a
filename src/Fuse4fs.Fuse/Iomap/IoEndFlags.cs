namespace Fuse4fs.Fuse.Iomap;

/// <summary>What I/O has been completed (FUSE_IOMAP_IOEND_*), the same in v8 and v9.</summary>
[Flags]
public enum IoEndFlags : uint
{
    None = 0,

    /// <summary>Copied on write: the range now belongs to the new blocks.</summary>
    Shared = 0x01,

    /// <summary>Unwritten blocks now hold data: convert them.</summary>
    Unwritten = 0x02,
    Boundary = 0x04,
    Direct = 0x08,

    /// <summary>Behind the size that the kernel takes for persisted. Not reliable: grow the size without looking at
    /// this.</summary>
    Append = 0x10,
    WriteBack = 0x20,

    /// <summary>swapoff, or a swapon that failed: the file's blocks may move again.</summary>
    SwapOff = 0x40,
}

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Why the kernel wants a mapping (FUSE_IOMAP_OP_*), in the numbers of v9. None: a buffered read.</summary>
[Flags]
public enum IomapOperation : uint
{
    None = 0,
    Write = 1 << 0,

    /// <summary>Partial blocks and what lies behind the end of file are to be zeroed. Allocates nothing.</summary>
    Zero = 1 << 1,

    /// <summary>SEEK_DATA, SEEK_HOLE, FIEMAP, FIBMAP, swapon: no side effects.</summary>
    Report = 1 << 2,

    /// <summary>With Write: a store through mmap.</summary>
    Fault = 1 << 3,
    Direct = 1 << 4,

    /// <summary>The caller would rather not wait. v8 sends it for direct reads, and waits.</summary>
    NoWait = 1 << 5,
    OverwriteOnly = 1 << 6,
    Unshare = 1 << 7,
    Dax = 1 << 8,
    Atomic = 1 << 9,
    DoNotCache = 1 << 10,

    /// <summary>Dirty pages are about to be written. Comes alone, without Write.</summary>
    WriteBack = 1 << 11,

    /// <summary>With Report: swapon.</summary>
    SwapFile = 1u << 31,

    /// <summary>With any of these the target counts, not only the source.</summary>
    WriteClass = Write | Zero | Unshare | WriteBack | SwapFile,

    /// <summary>All there are.</summary>
    Known = Write | Zero | Report | Fault | Direct | NoWait | OverwriteOnly | Unshare | Dax | Atomic | DoNotCache
        | WriteBack | SwapFile,
}

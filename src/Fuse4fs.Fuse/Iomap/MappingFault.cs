namespace Fuse4fs.Fuse.Iomap;

/// <summary>Why a mapping may not be sent; the kernel would refuse most of these, and act wrongly on the others.</summary>
public enum MappingFault
{
    None = 0,

    /// <summary>The revision has no number for the kind.</summary>
    UnknownKind,

    /// <summary>Flags that only the kernel sets, or that must not be used.</summary>
    ForbiddenFlags,

    /// <summary>Offset and length: not multiples of the block size, no length, or too far.</summary>
    BadRange,

    /// <summary>Blocks without a device or an address.</summary>
    NoAddress,

    /// <summary>A device or an address where there are no blocks.</summary>
    NeedlessAddress,

    /// <summary>PureOverwrite or NoCache where it does not belong.</summary>
    WrongPlace,

    /// <summary>The address is not one of the device: beyond its end, or within a sector.</summary>
    BadAddress,

    /// <summary>The device was never registered.</summary>
    UnknownDevice,

    /// <summary>Inline, but not one block at the beginning of the file.</summary>
    BadInline,

    /// <summary>The byte that was asked for is not in it.</summary>
    MissesOffset,

    /// <summary>What the operation cannot work with: such as a hole for write-back, which loses the data.</summary>
    UnfitForOperation,

    /// <summary>An atomic write without <see cref="MappingFlags.AtomicDevice"/>.</summary>
    NotAtomic,

    /// <summary>A mapping to a stripe set cannot be cached.</summary>
    StripedUpload,
}

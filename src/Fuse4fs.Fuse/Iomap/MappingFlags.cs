namespace Fuse4fs.Fuse.Iomap;

/// <summary>FUSE_IOMAP_F_*. The low eight bits go to the kernel, the others come from it.</summary>
[Flags]
public enum MappingFlags : ushort
{
    None = 0,

    /// <summary>Just allocated: what a write leaves of its blocks is zeroed, not read. A must on fresh Written
    /// ranges.</summary>
    New = 0x01,

    /// <summary>The mapping itself is not on stable storage yet. Refused by swapon.</summary>
    Dirty = 0x02,

    /// <summary>The target is a copy on write.</summary>
    Shared = 0x04,

    /// <summary>Only shown by FIEMAP.</summary>
    Merged = 0x08,

    /// <summary>I/O must not be merged across the beginning of this range.</summary>
    Boundary = 0x10,

    /// <summary>For zone append: never sent, the kernel has no hook for it.</summary>
    AnonymousWrite = 0x20,

    /// <summary>The device writes the whole request atomically; a must for <see cref="IomapOperation.Atomic"/>.</summary>
    AtomicDevice = 0x40,

    /// <summary>Send END in any case. Without effect on v8.</summary>
    WantEnd = 0x80,

    /// <summary>In END: the size in the kernel's memory grew.</summary>
    SizeChanged = 0x100,

    /// <summary>In END: the mapping was out of date, the kernel asks again.</summary>
    Stale = 0x200,

    /// <summary>All that may be sent.</summary>
    FromServer = 0xFF,
}

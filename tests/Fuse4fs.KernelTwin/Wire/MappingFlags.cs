namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_IOMAP_F_*: properties of a mapping. The low byte comes from the server.</summary>
[Flags]
public enum MappingFlags : ushort
{
    None = 0, New = 1, Dirty = 2, Shared = 4, Merged = 8, Boundary = 0x10, AnonymousWrite = 0x20, AtomicBio = 0x40,
    WantEnd = 0x80, SizeChanged = 0x100, Stale = 0x200,

    /// <summary>What a server may set.</summary>
    FromServer = 0xFF,
}

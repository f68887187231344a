namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_ATTR_*: fuse_attr.flags.</summary>
[Flags]
public enum AttributeFlags : uint
{
    None = 0, SubMount = 1, Dax = 2, Exclusive = 4, Iomap = 8, Atomic = 0x10, Sync = 0x20, Immutable = 0x40,
    Append = 0x80,
}

namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_IOMAP_IOEND_*.</summary>
[Flags]
public enum IoendFlags : uint
{
    None = 0, Shared = 1, Unwritten = 2, Boundary = 4, Direct = 8, Append = 0x10, Writeback = 0x20, SwapOff = 0x40,
}

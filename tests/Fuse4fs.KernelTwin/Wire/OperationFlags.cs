namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_IOMAP_OP_*: what a mapping is wanted for. The values are v9's; a revision translates them.</summary>
[Flags]
public enum OperationFlags : uint
{
    None = 0, Write = 1, Zero = 2, Report = 4, Fault = 8, Direct = 0x10, NoWait = 0x20, OverwriteOnly = 0x40,
    Unshare = 0x80, Dax = 0x100, Atomic = 0x200, DontCache = 0x400, Writeback = 0x800, SwapFile = 0x80000000,

    WriteClass = Write | Zero | Unshare | Writeback | SwapFile,
}

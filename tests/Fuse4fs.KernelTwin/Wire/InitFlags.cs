namespace Fuse4fs.KernelTwin.Wire;

/// <summary>FUSE_* bits of INIT, flags in the low and flags2 in the high half.</summary>
[Flags]
public enum InitFlags : ulong
{
    None = 0, AtomicTruncate = 1UL << 3, DontMask = 1UL << 6, ReaddirPlus = 1UL << 13, ReaddirPlusAuto = 1UL << 14,
    WritebackCache = 1UL << 16, ParallelDirectoryOperations = 1UL << 18, PosixAcl = 1UL << 20, MaxPages = 1UL << 22,
    HandleKillPrivV2 = 1UL << 28, SetxattrExtended = 1UL << 29, InitExtended = 1UL << 30, Iomap = 1UL << 43,
}

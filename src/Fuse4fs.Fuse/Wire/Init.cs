using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fuse4fs.Fuse.Wire;

/// <summary>struct fuse_init_in: 64 bytes since 7.36, 16 before (<see cref="InitFlags.InitExtended"/> unset).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct InitIn
{
    /// <summary>Bytes up to and including <see cref="Flags"/>: all that kernels before 7.36 send.</summary>
    public const int ShortBytes = 16;

    /// <summary>major.</summary>
    public uint Major;

    /// <summary>minor.</summary>
    public uint Minor;

    /// <summary>max_readahead, bytes.</summary>
    public uint MaxReadAhead;

    /// <summary>flags: bits 0..31 of <see cref="InitFlags"/>.</summary>
    public uint Flags;

    /// <summary>flags2: bits 32..63 of <see cref="InitFlags"/>.</summary>
    public uint Flags2;

    /// <summary>unused.</summary>
    public InitInReserved Reserved;
}

/// <summary>unused[11] of struct fuse_init_in.</summary>
[InlineArray(11)]
public struct InitInReserved
{
    private uint _first;
}

/// <summary>struct fuse_init_out: 64 bytes since 7.23.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public struct InitOut
{
    /// <summary>major.</summary>
    public uint Major;

    /// <summary>minor.</summary>
    public uint Minor;

    /// <summary>max_readahead, bytes.</summary>
    public uint MaxReadAhead;

    /// <summary>flags: bits 0..31 of <see cref="InitFlags"/>.</summary>
    public uint Flags;

    /// <summary>max_background: requests the kernel keeps under way for read-ahead and write-back.</summary>
    public ushort MaxBackground;

    /// <summary>congestion_threshold, requests.</summary>
    public ushort CongestionThreshold;

    /// <summary>max_write, bytes of data in one WRITE.</summary>
    public uint MaxWrite;

    /// <summary>time_gran, nanoseconds: the resolution of time stamps.</summary>
    public uint TimeGranularity;

    /// <summary>max_pages in one request; counts with <see cref="InitFlags.MaxPages"/>.</summary>
    public ushort MaxPages;

    /// <summary>map_alignment, log2 of bytes; counts with <see cref="InitFlags.MapAlignment"/> (DAX).</summary>
    public ushort MapAlignment;

    /// <summary>flags2: bits 32..63 of <see cref="InitFlags"/>.</summary>
    public uint Flags2;

    /// <summary>max_stack_depth; counts with <see cref="InitFlags.Passthrough"/>.</summary>
    public uint MaxStackDepth;

    /// <summary>request_timeout, seconds; counts with <see cref="InitFlags.RequestTimeout"/>.</summary>
    public ushort RequestTimeout;
}

/// <summary>INIT flags, FUSE_* of the kernel's header: bits 0..31 travel in flags, 32..63 in flags2.</summary>
[Flags]
public enum InitFlags : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    PosixLocks = 1UL << 1,
    FileOperations = 1UL << 2,
    AtomicTruncateOnOpen = 1UL << 3,
    ExportSupport = 1UL << 4,
    BigWrites = 1UL << 5,
    DontMask = 1UL << 6,
    SpliceWrite = 1UL << 7,
    SpliceMove = 1UL << 8,
    SpliceRead = 1UL << 9,
    FlockLocks = 1UL << 10,
    IoctlOnDirectories = 1UL << 11,
    AutoInvalidateData = 1UL << 12,
    ReadDirectoryPlus = 1UL << 13,
    ReadDirectoryPlusAuto = 1UL << 14,
    AsyncDirectIo = 1UL << 15,
    WriteBackCache = 1UL << 16,
    NoOpenSupport = 1UL << 17,
    ParallelDirectoryOperations = 1UL << 18,
    HandleKillPrivileges = 1UL << 19,
    PosixAcl = 1UL << 20,
    AbortError = 1UL << 21,
    MaxPages = 1UL << 22,
    CacheSymlinks = 1UL << 23,
    NoOpenDirectorySupport = 1UL << 24,
    ExplicitInvalidateData = 1UL << 25,
    MapAlignment = 1UL << 26,
    Submounts = 1UL << 27,
    HandleKillPrivilegesV2 = 1UL << 28,
    SetXattrExtended = 1UL << 29,
    InitExtended = 1UL << 30,
    SecurityContext = 1UL << 32,
    InodeDax = 1UL << 33,
    CreateSupplementaryGroup = 1UL << 34,
    ExpireOnly = 1UL << 35,
    DirectIoAllowMmap = 1UL << 36,
    Passthrough = 1UL << 37,
    NoExportSupport = 1UL << 38,
    Resend = 1UL << 39,
    AllowIdmap = 1UL << 40,
    OverIoUring = 1UL << 41,
    RequestTimeout = 1UL << 42,

    /// <summary>Block mappings, where the minor version is 99; from 7.46 on the bit means something else.</summary>
    Iomap = 1UL << 43,
}

using Fuse4fs.Fuse.Wire;

namespace Fuse4fs.Fuse;

/// <summary>What a file system wants from the kernel. Whatever is not offered is left out;
/// <see cref="Capabilities"/> says what came of it.</summary>
public sealed record CapabilityRequest
{
    /// <summary>Harmless to every file system, and expected by the session itself.</summary>
    public const InitFlags Basic = InitFlags.AsyncRead | InitFlags.BigWrites | InitFlags.MaxPages
        | InitFlags.AbortError | InitFlags.IoctlOnDirectories | InitFlags.AutoInvalidateData;

    /// <summary>For a file system that owns its data: nobody else changes it, the kernel may cache all and write
    /// back late. The server applies umask and default ACLs and drops set-id bits and security.capability.</summary>
    public const InitFlags OwnedData = (Basic & ~InitFlags.AutoInvalidateData)
        | InitFlags.WriteBackCache | InitFlags.ReadDirectoryPlus | InitFlags.ReadDirectoryPlusAuto
        | InitFlags.ParallelDirectoryOperations | InitFlags.AtomicTruncateOnOpen | InitFlags.HandleKillPrivilegesV2
        | InitFlags.PosixAcl | InitFlags.DontMask | InitFlags.SetXattrExtended | InitFlags.ExportSupport
        | InitFlags.CacheSymlinks | InitFlags.NoOpenSupport | InitFlags.NoOpenDirectorySupport
        | InitFlags.AsyncDirectIo | InitFlags.CreateSupplementaryGroup | InitFlags.ExpireOnly
        | InitFlags.DirectIoAllowMmap | InitFlags.Resend;

    /// <summary>Flags asked for.</summary>
    public InitFlags Flags { get; init; } = Basic;

    /// <summary>Most data of one WRITE, and of one READ, bytes.</summary>
    public int MaxWriteBytes { get; init; } = 1 << 20;

    /// <summary>Most read-ahead, bytes; the kernel's own limit, the bdi's read_ahead_kb, applies first.</summary>
    public uint MaxReadAheadBytes { get; init; } = uint.MaxValue;

    /// <summary>Requests of read-ahead and write-back under way at once. The kernel lowers it for ordinary users.</summary>
    public ushort MaxBackground { get; init; } = 64;

    /// <summary>Of these, how many make the kernel hold back more.</summary>
    public ushort CongestionThreshold { get; init; } = 48;

    /// <summary>Resolution of time stamps, nanoseconds: the kernel rounds times it sets down to it.</summary>
    public uint TimeGranularityNanoseconds { get; init; } = 1;

    /// <summary>Seconds after which the kernel gives up a request and the connection; 0: never.</summary>
    public ushort RequestTimeoutSeconds { get; init; }
}

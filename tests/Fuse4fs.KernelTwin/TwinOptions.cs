using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin;

/// <summary>What kernel, what mount.</summary>
public sealed record TwinOptions
{
    public static TwinOptions V8 { get; } = new();

    public static TwinOptions V9 { get; } = new() { Revision = Revision.V9, Quirks = Quirks.V9 };

    public Revision Revision { get; init; } = Revision.V8;

    public Quirks Quirks { get; init; } = Quirks.V8;

    /// <summary>Draws every choice from this seed; null: first come, first served, as recorded.</summary>
    public int? Seed { get; init; }

    /// <summary>A broken rule ends the test; else it is only collected.</summary>
    public bool IsStrict { get; init; } = true;

    /// <summary>Module parameter fuse.enable_iomap.</summary>
    public bool IsIomapEnabled { get; init; } = true;

    /// <summary>Whether the mounting process has CAP_SYS_RAWIO.</summary>
    public bool MounterHasRawIo { get; init; } = true;

    /// <summary>File system type fuseblk: the mount claims its device itself.</summary>
    public bool IsFuseBlk { get; init; }

    /// <summary>Option root_nodeid.</summary>
    public ulong RootNodeId { get; init; } = 1;

    /// <summary>bdi read_ahead_kb, in bytes.</summary>
    public int ReadAheadBytes { get; init; } = 131072;

    /// <summary>A longer run of write-back is completed in several IOENDs.</summary>
    public long MostIoendBytes { get; init; } = 12 << 20;

    /// <summary>How long a server with its own threads may leave everything unanswered before that is a hang.</summary>
    public TimeSpan StallLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often the same BEGIN may be answered with a useless RETRY_CACHE. The kernel has no limit.</summary>
    public int MostRetries { get; init; } = 1000;
}

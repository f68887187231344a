using Fuse4fs.Fuse.Iomap;
using Serilog;

namespace Fuse4fs.Fuse;

/// <summary>How a session works.</summary>
public sealed record SessionOptions
{
    /// <summary>What to ask of the kernel.</summary>
    public CapabilityRequest Capabilities { get; init; } = new();

    /// <summary>Threads that serve; 0: as many as CPUs, at least 2.</summary>
    public int Workers { get; init; }

    /// <summary>Threads added while all others are held up by long requests.</summary>
    public int ExtraWorkers { get; init; } = 8;

    /// <summary>Descriptors for the extra threads are cloned at the start: later /dev/fuse cannot be opened any more.
    /// </summary>
    public bool ClonesAhead { get; init; }

    /// <summary>With <see cref="Wire.InitFlags.OverIoUring"/>: threads for the requests of each CPU.</summary>
    public int RingThreadsPerCpu { get; init; } = 2;

    /// <summary>The block-mapping side of the file system; null: it has none. Used where the kernel can:
    /// <see cref="Capabilities.Iomap"/> says so.</summary>
    public IomapHandler? Iomap { get; init; }

    /// <summary>With block mappings: threads that are always there for write-back and completions, however many other
    /// requests wait. All threads are then made at the start.</summary>
    public int ReservedWorkers { get; init; } = 2;

    /// <summary>Where the session reports what it cannot tell anybody else.</summary>
    public ILogger Log { get; init; } = Serilog.Core.Logger.None;

    internal int BaseWorkers => Workers > 0 ? Workers : Math.Max(2, Environment.ProcessorCount);

    internal int MaxWorkers => BaseWorkers + Math.Max(0, ExtraWorkers);

    internal int MaxWorkersWith(Capabilities agreed)
        => MaxWorkers + (agreed.Iomap is null ? 0 : Math.Max(1, ReservedWorkers));
}

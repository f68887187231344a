namespace Fuse4fs.Server.Control;

/// <summary>What a server tells about itself. Counts are since the mount.</summary>
public sealed record ServerStatus
{
    /// <summary>Absolute path of the image or device, as the server sees it.</summary>
    public required string Image { get; init; }

    public required string MountPoint { get; init; }

    /// <summary>major:minor of the mount; empty when the server was handed an open /dev/fuse.</summary>
    public required string Device { get; init; }

    /// <summary>read-write, read-only, read-only after an error, frozen, or shut down.</summary>
    public required string Mode { get; init; }

    /// <summary>Requests that wait for the end of a freeze.</summary>
    public int Waiting { get; init; }

    /// <summary>The server's process number in its own pid namespace.</summary>
    public int Process { get; init; }

    /// <summary>FUSE version and what was agreed on.</summary>
    public required string Protocol { get; init; }

    public double UptimeSeconds { get; init; }

    /// <summary>By kind; those that never came are left out.</summary>
    public required IReadOnlyList<OperationStatus> Operations { get; init; }

    public required CacheStatus Cache { get; init; }

    /// <summary>Null where nothing is written.</summary>
    public JournalStatus? Journal { get; init; }

    public required SpaceStatus Space { get; init; }

    /// <summary>Bytes written to the image.</summary>
    public long WrittenBytes { get; init; }

    /// <summary>Errors recorded in the superblock, of earlier mounts too.</summary>
    public uint RecordedErrors { get; init; }

    /// <summary>Requests answered with an error, of all kinds. A name that does not exist counts.</summary>
    public long FailedRequests { get; init; }
}

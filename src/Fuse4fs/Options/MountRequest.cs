namespace Fuse4fs.Options;

/// <summary>A request to mount as it was typed: what a server process of ours is started with.</summary>
internal sealed record MountRequest
{
    public required string Source { get; init; }

    public required string MountPoint { get; init; }

    /// <summary>The words of all -o lists, in the order given. Later words win.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>-f: stay in the foreground.</summary>
    public bool Foreground { get; init; }

    /// <summary>-d: log every request; implies the foreground.</summary>
    public bool Debug { get; init; }

    /// <summary>-s: a single worker.</summary>
    public bool SingleThread { get; init; }

    /// <summary>Nothing is said on success, as mount(8) expects of its helpers.</summary>
    public bool Quiet { get; init; }

    /// <summary>--log-level; null for the default.</summary>
    public string? LogLevel { get; init; }

    /// <summary>--log-file.</summary>
    public string? LogFile { get; init; }
}

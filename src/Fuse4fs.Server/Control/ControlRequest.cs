namespace Fuse4fs.Server.Control;

/// <summary>One line of a client: JSON, at most <see cref="LongestLineBytes"/>.</summary>
public sealed record ControlRequest
{
    /// <summary>A newer client's requests are refused.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Bytes of a line, its end included.</summary>
    public const int LongestLineBytes = 1024;

    public int Version { get; init; } = CurrentVersion;

    public required ControlVerb Verb { get; init; }

    /// <summary>With <see cref="ControlVerb.ShutDown"/>.</summary>
    public ShutdownMode Mode { get; init; }
}

namespace Fuse4fs.Server.Control;

/// <summary>One line of a client: JSON, at most <see cref="LongestLineBytes"/>.</summary>
public sealed record ControlRequest
{
    /// <summary>A newer client's requests are refused.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Bytes of a line, its end included.</summary>
    public const int LongestLineBytes = 1024;

    /// <summary>A day.</summary>
    public const int LongestFreezeSeconds = 24 * 60 * 60;

    public int Version { get; init; } = CurrentVersion;

    public required ControlVerb Verb { get; init; }

    /// <summary>With <see cref="ControlVerb.ShutDown"/>.</summary>
    public ShutdownMode Mode { get; init; }

    /// <summary>With <see cref="ControlVerb.Freeze"/> and <see cref="ControlVerb.Renew"/>: how long it may last, up to
    /// <see cref="LongestFreezeSeconds"/>.</summary>
    public int Seconds { get; init; }

    /// <summary>With <see cref="ControlVerb.Freeze"/>: the image's descriptor is to come with the reply.</summary>
    public bool WantsImage { get; init; }
}

using Fuse4fs.Linux;

namespace Fuse4fs.Server.Control;

/// <summary>The answer to a <see cref="ControlRequest"/>: one line of JSON.</summary>
public sealed record ControlReply
{
    public int Version { get; init; } = ControlRequest.CurrentVersion;

    /// <summary>Ok, or why not.</summary>
    public Errno Error { get; init; }

    /// <summary>For a person; null when all is well.</summary>
    public string? Message { get; init; }

    /// <summary>Of <see cref="ControlVerb.Status"/>.</summary>
    public ServerStatus? Status { get; init; }
}

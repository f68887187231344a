using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>Mounting or connecting failed. The message is one sentence for a person.</summary>
public sealed class FuseException(Errno error, string message) : Exception(message)
{
    /// <summary>What the system said.</summary>
    public Errno Error { get; } = error;
}

namespace Fuse4fs.KernelTwin.Faults;

/// <summary>The crash that was asked for has happened: the twin is dead, its devices hold what had reached them.</summary>
public sealed class TwinCrashException(long message, string text)
    : Exception($"crashed at message {message}: {text}")
{
    public long AtMessage { get; } = message;
}

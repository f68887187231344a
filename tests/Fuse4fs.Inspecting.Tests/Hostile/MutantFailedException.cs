namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>A mutant made the engine do something it must never do.</summary>
internal sealed class MutantFailedException : Exception
{
    public MutantFailedException(string message) : base(message)
    {
    }

    public MutantFailedException(string message, Exception cause) : base(message, cause)
    {
    }
}

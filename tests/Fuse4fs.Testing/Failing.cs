namespace Fuse4fs.Testing;

/// <summary>What of a device fails.</summary>
public enum Failing
{
    Reads,
    Writes,
    Flushes,
}

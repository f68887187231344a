namespace Fuse4fs.Bench;

/// <summary>A step could not be carried out: a program failed, a mount did not appear.</summary>
internal sealed class BenchException(string message) : Exception(message);

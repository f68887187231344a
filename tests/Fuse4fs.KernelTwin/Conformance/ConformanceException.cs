namespace Fuse4fs.KernelTwin.Conformance;

/// <summary>A server did not do what POSIX or the protocol asks for.</summary>
public sealed class ConformanceException(string message) : Exception(message);

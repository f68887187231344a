namespace Fuse4fs.Testing;

/// <summary>A tool that makes or judges images refused, or found something wrong.</summary>
public sealed class OracleException(string message) : Exception(message);

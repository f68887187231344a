namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>An answer, as far as it is looked at.</summary>
/// <param name="Unique">Of the request.</param>
/// <param name="Error">An errno, 0 for none.</param>
/// <param name="Body">What came behind the header, or its first part.</param>
internal sealed record HostileReply(ulong Unique, int Error, ReadOnlyMemory<byte> Body);

namespace Fuse4fs.Server.Control;

/// <summary>The journal.</summary>
/// <param name="LogBytes">Size of the log; 0 without one.</param>
/// <param name="UsedBytes">Of these, needed by a replay if the machine stopped now.</param>
/// <param name="DirtyBytes">Metadata not yet written to its place.</param>
/// <param name="Commits">Transactions made durable.</param>
public sealed record JournalStatus(long LogBytes, long UsedBytes, long DirtyBytes, ulong Commits);

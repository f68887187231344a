namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A file that was opened, and may have been closed since.</summary>
/// <param name="Node">Node id.</param>
/// <param name="Handle">What the server calls it.</param>
/// <param name="Flags">O_* of the open.</param>
internal readonly record struct KnownFile(ulong Node, ulong Handle, uint Flags);

namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A node that an answer named.</summary>
/// <param name="Id">Node id.</param>
/// <param name="Mode">S_IF* and permissions, as they were then.</param>
internal readonly record struct KnownNode(ulong Id, uint Mode);

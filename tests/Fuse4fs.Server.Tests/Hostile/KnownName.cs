namespace Fuse4fs.Server.Tests.Hostile;

/// <summary>A name that was in a directory once.</summary>
/// <param name="Directory">Node id.</param>
/// <param name="Name">A byte a character.</param>
internal sealed record KnownName(ulong Directory, string Name);

using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mappings;

/// <summary>What one iteration over a mapping did.</summary>
/// <param name="Written">Bytes handled.</param>
/// <param name="Flags">SIZE_CHANGED, STALE.</param>
/// <param name="Error">Ends the walk.</param>
internal readonly record struct Step(long Written, MappingFlags Flags = MappingFlags.None, Errno Error = Errno.Ok);

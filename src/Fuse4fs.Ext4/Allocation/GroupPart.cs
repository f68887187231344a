using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>A part of a run inside one group.</summary>
/// <param name="Group">Which.</param>
/// <param name="Start">First cluster, counted from the group's first.</param>
/// <param name="Length">Clusters.</param>
internal readonly record struct GroupPart(GroupNumber Group, int Start, int Length);

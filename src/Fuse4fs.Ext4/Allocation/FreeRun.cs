namespace Fuse4fs.Ext4.Allocation;

/// <summary>Free clusters in a group, counted from the group's first cluster.</summary>
internal readonly record struct FreeRun(int Start, int Length);

namespace Fuse4fs.Ext4.Allocation;

/// <summary>What a flexible group has in all: hints, read without locks.</summary>
internal readonly record struct GroupSums(long FreeInodes, long FreeClusters, long Directories);

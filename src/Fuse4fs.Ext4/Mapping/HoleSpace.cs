using Fuse4fs.Ext4.Allocation;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>Blocks for a part of a hole.</summary>
/// <param name="Blocks">To be mapped, in one piece.</param>
/// <param name="Fresh">The clusters reserved for them, to be committed or cancelled; empty where the file has their
/// cluster already.</param>
internal readonly record struct HoleSpace(BlockRun Blocks, BlockRun Fresh);

namespace Fuse4fs.Inspecting.Tests.Hostile;

/// <summary>One structure of a seed image.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Offset">Where it starts in the image, bytes.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Owner">The inode it belongs to; for a group descriptor the group; else 0.</param>
/// <param name="OwnerOffset">Where that inode is in the image; 0 without one.</param>
internal readonly record struct Structure(StructureKind Kind, int Offset, int Length, uint Owner, int OwnerOffset);

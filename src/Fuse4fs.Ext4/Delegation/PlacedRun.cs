using Fuse4fs.Ext4.Allocation;

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Blocks chosen for a part of a file.</summary>
/// <param name="FirstFileBlock">First block within the file.</param>
/// <param name="Blocks">Reserved on the device, one for each block of the file.</param>
internal readonly record struct PlacedRun(uint FirstFileBlock, BlockRun Blocks)
{
    /// <summary>First file block behind it.</summary>
    public ulong EndFileBlock => (ulong)FirstFileBlock + Blocks.LengthBlocks;

    /// <summary>A part of it.</summary>
    public PlacedRun Part(ulong first, ulong end) =>
        new((uint)first, new BlockRun(Blocks.Start + (first - FirstFileBlock), (uint)(end - first)));
}

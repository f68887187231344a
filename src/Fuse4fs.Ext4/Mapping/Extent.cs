using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Mapping;

/// <summary>A run of file blocks that lies in one piece on the device.</summary>
/// <param name="FirstFileBlock">First block within the file.</param>
/// <param name="Start">First block on the device.</param>
/// <param name="LengthBlocks">At least 1.</param>
/// <param name="IsUnwritten">Allocated, but reads as zeros.</param>
public readonly record struct Extent(uint FirstFileBlock, FsBlock Start, uint LengthBlocks, bool IsUnwritten)
{
    /// <summary>First file block behind the run.</summary>
    public ulong EndFileBlock => (ulong)FirstFileBlock + LengthBlocks;

    /// <summary>True when <paramref name="next"/> continues this run in the file, on the device and in state.</summary>
    public bool IsContinuedBy(in Extent next) =>
        EndFileBlock == next.FirstFileBlock && Start + LengthBlocks == next.Start && IsUnwritten == next.IsUnwritten;
}

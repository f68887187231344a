using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Neighbouring blocks on the device, whole clusters: what is reserved, committed and freed.</summary>
/// <param name="Start">First block; the first of its cluster.</param>
/// <param name="LengthBlocks">Blocks; a multiple of the cluster's.</param>
public readonly record struct BlockRun(FsBlock Start, uint LengthBlocks)
{
    /// <summary>The block behind the last one.</summary>
    public FsBlock End => Start + LengthBlocks;

    /// <summary>True for no blocks at all.</summary>
    public bool IsEmpty => LengthBlocks == 0;

    /// <inheritdoc/>
    public override string ToString() => $"{Start}+{LengthBlocks}";
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>A part of the device with one owner.</summary>
/// <param name="Start">Its first block.</param>
/// <param name="LengthBlocks">How many.</param>
/// <param name="Owner">Whose.</param>
public readonly record struct SpaceRecord(FsBlock Start, ulong LengthBlocks, SpaceOwner Owner)
{
    /// <summary>Behind its last block.</summary>
    public ulong End => Start.Value + LengthBlocks;
}

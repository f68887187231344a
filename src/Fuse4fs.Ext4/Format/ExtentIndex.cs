using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Inner entry of an extent tree: points at the node that maps file blocks from a number on.</summary>
/// <remarks>12 bytes, little-endian. Kernel: struct ext4_extent_idx. Docs: ext4/ifork, "Extent Tree".</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct ExtentIndex
{
    /// <summary>ei_block: the node below covers file blocks from here on.</summary>
    public Le32 FirstFileBlock;

    /// <summary>ei_leaf_lo: bits 0 to 31 of the node's block.</summary>
    public Le32 NodeLow;

    /// <summary>ei_leaf_hi: bits 32 to 47.</summary>
    public Le16 NodeHigh;
    public Le16 Unused;

    /// <summary>The block of the node below.</summary>
    public FsBlock Node
    {
        readonly get => new(((ulong)NodeHigh << 32) | NodeLow);
        set
        {
            NodeLow = (uint)(value.Value & uint.MaxValue);
            NodeHigh = checked((ushort)(value.Value >> 32));
        }
    }
}

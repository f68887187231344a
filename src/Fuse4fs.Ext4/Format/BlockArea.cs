using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>i_block: 60 bytes that hold an extent tree's root, fifteen block numbers, a short symlink, inline data or a
/// device number. Docs: ext4/ifork.</summary>
[InlineArray(SizeBytes)]
public struct BlockArea
{
    /// <summary>Bytes of the area.</summary>
    public const int SizeBytes = 60;

    private byte _first;
}

using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>4 bytes inside an on-disk structure.</summary>
[InlineArray(4)]
public struct Bytes4
{
    private byte _first;
}

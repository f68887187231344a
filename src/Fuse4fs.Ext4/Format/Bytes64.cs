using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>64 bytes inside an on-disk structure.</summary>
[InlineArray(64)]
public struct Bytes64
{
    private byte _first;
}

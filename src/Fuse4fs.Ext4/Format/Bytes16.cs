using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>16 bytes inside an on-disk structure.</summary>
[InlineArray(16)]
public struct Bytes16
{
    private byte _first;
}

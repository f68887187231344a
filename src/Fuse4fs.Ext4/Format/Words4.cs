using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Four little-endian 32-bit words inside an on-disk structure.</summary>
[InlineArray(4)]
public struct Words4
{
    private Le32 _first;
}

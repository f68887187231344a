using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>32 bytes inside an on-disk structure.</summary>
[InlineArray(32)]
public struct Bytes32
{
    private byte _first;
}

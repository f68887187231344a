using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>Seventeen little-endian 32-bit words inside an on-disk structure: i_block and i_size of the journal.</summary>
[InlineArray(17)]
public struct Words17
{
    private Le32 _first;
}

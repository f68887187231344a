using System.Runtime.CompilerServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>The superblock's unused tail.</summary>
[InlineArray(376)]
public struct Bytes376
{
    private byte _first;
}

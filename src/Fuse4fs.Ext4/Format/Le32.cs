using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 32-bit field stored little-endian, as all of ext4 is; jbd2 uses the big-endian twin <see cref="Be32"/>.</summary>
public readonly struct Le32(uint value)
{
    private readonly uint _raw = Swap(value);

    public static implicit operator uint(Le32 field) => Swap(field._raw);

    public static implicit operator Le32(uint value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((uint)this).ToString();

    private static uint Swap(uint v) => BitConverter.IsLittleEndian ? v : BinaryPrimitives.ReverseEndianness(v);
}

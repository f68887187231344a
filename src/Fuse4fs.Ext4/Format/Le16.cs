using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 16-bit field stored little-endian, as all of ext4 is; jbd2 uses the big-endian twin <see cref="Be16"/>.</summary>
public readonly struct Le16(ushort value)
{
    private readonly ushort _raw = Swap(value);

    public static implicit operator ushort(Le16 field) => Swap(field._raw);

    public static implicit operator Le16(ushort value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((ushort)this).ToString();

    private static ushort Swap(ushort v) => BitConverter.IsLittleEndian ? v : BinaryPrimitives.ReverseEndianness(v);
}

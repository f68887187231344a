using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 16-bit field stored big-endian, as the journal (jbd2) stores its structures.</summary>
public readonly struct Be16(ushort value)
{
    private readonly ushort _raw = Swap(value);

    public static implicit operator ushort(Be16 field) => Swap(field._raw);

    public static implicit operator Be16(ushort value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((ushort)this).ToString();

    private static ushort Swap(ushort v) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(v) : v;
}

using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 32-bit field stored big-endian, as the journal (jbd2) stores its structures.</summary>
public readonly struct Be32(uint value)
{
    private readonly uint _raw = Swap(value);

    public static implicit operator uint(Be32 field) => Swap(field._raw);

    public static implicit operator Be32(uint value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((uint)this).ToString();

    private static uint Swap(uint v) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(v) : v;
}

using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 64-bit field stored big-endian, as the journal (jbd2) stores its structures.</summary>
public readonly struct Be64(ulong value)
{
    private readonly ulong _raw = Swap(value);

    public static implicit operator ulong(Be64 field) => Swap(field._raw);

    public static implicit operator Be64(ulong value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((ulong)this).ToString();

    private static ulong Swap(ulong v) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(v) : v;
}

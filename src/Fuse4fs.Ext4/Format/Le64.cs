using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A 64-bit field stored little-endian, as all of ext4 is; jbd2 uses the big-endian twin <see cref="Be64"/>.</summary>
public readonly struct Le64(ulong value)
{
    private readonly ulong _raw = Swap(value);

    public static implicit operator ulong(Le64 field) => Swap(field._raw);

    public static implicit operator Le64(ulong value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => ((ulong)this).ToString();

    private static ulong Swap(ulong v) => BitConverter.IsLittleEndian ? v : BinaryPrimitives.ReverseEndianness(v);
}

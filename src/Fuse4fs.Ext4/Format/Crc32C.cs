using System.Numerics;
using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>CRC32C as ext4 and jbd2 chain it: no inversion at either end.</summary>
public static class Crc32C
{
    /// <summary>Start value of a chain that has no seed of its own.</summary>
    public const uint Start = uint.MaxValue;

    /// <summary>Continues a chain. Start from <see cref="Start"/> or the volume's seed. Docs: ext4/checksums.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(data))
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian
                ? word
                : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        }
        foreach (byte tail in data[(data.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, tail);
        }
        return crc;
    }

    /// <summary>Continues a chain with a little-endian 32-bit value.</summary>
    public static uint Append(uint crc, uint value) => BitOperations.Crc32C(crc, value);
}

namespace Fuse4fs.Ext4.Journaling;

/// <summary>CRC-32 with the bits of every byte taken from the top (polynomial 04C11DB7), no inversion: checksum
/// version 1 of the journal. Kernel: crc32_be.</summary>
internal static class Crc32BigEndian
{
    /// <summary>Start value of a transaction.</summary>
    public const uint Start = uint.MaxValue;

    private const uint Polynomial = 0x04C11DB7;
    private static readonly uint[] Table = MakeTable();

    /// <summary>Continues a chain.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
        {
            crc = (crc << 8) ^ Table[(crc >> 24) ^ value];
        }
        return crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint crc = i << 24;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x80000000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            }
            table[i] = crc;
        }
        return table;
    }
}

namespace Fuse4fs.Ext4.Format;

/// <summary>CRC-16 (polynomial 0x8005, reflected), as group descriptors use it under uninit_bg.</summary>
public static class Crc16
{
    /// <summary>Start value of ext4's chain.</summary>
    public const ushort Start = ushort.MaxValue;

    private static readonly ushort[] s_table = MakeTable();

    /// <summary>Continues a chain. Docs: ext4/group_descr, "Block Group Descriptors Checksum".</summary>
    public static ushort Append(ushort crc, ReadOnlySpan<byte> data)
    {
        foreach (byte value in data)
        {
            crc = (ushort)((crc >> 8) ^ s_table[(crc ^ value) & 0xFF]);
        }
        return crc;
    }

    private static ushort[] MakeTable()
    {
        const ushort ReflectedPolynomial = 0xA001;
        var table = new ushort[256];
        for (int i = 0; i < table.Length; i++)
        {
            int crc = i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ ReflectedPolynomial : crc >> 1;
            }
            table[i] = (ushort)crc;
        }
        return table;
    }
}

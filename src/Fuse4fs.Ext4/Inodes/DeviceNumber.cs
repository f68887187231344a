using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>What a device node stands for: 12 bits of major, 20 bits of minor number.</summary>
/// <remarks>Two encodings in i_block: the old one, 8 and 8 bits, in its first word; where that is 0, the new one in the
/// second. Kernel: old_decode_dev, new_decode_dev.</remarks>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    private const uint MaximumMajor = (1 << 12) - 1;
    private const uint MaximumMinor = (1 << 20) - 1;

    /// <summary>True when both numbers fit into an inode.</summary>
    public bool IsValid => Major <= MaximumMajor && Minor <= MaximumMinor;

    /// <summary>Reads a device node's i_block.</summary>
    public static DeviceNumber Decode(ReadOnlySpan<byte> blockArea)
    {
        uint old = BinaryPrimitives.ReadUInt32LittleEndian(blockArea);
        if (old != 0)
        {
            return new DeviceNumber((old >> 8) & 0xFF, old & 0xFF);
        }
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(blockArea[4..]);
        return new DeviceNumber((value >> 8) & MaximumMajor, (value & 0xFF) | ((value >> 12) & 0xFFF00));
    }

    /// <summary>Fills a device node's i_block; the old encoding where it suffices, as the kernel.</summary>
    public void Encode(Span<byte> blockArea)
    {
        blockArea.Clear();
        if (Major < 256 && Minor < 256)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(blockArea, (Major << 8) | Minor);
        }
        else
        {
            uint value = (Minor & 0xFF) | (Major << 8) | ((Minor & 0xFFF00) << 12);
            BinaryPrimitives.WriteUInt32LittleEndian(blockArea[4..], value);
        }
    }
}

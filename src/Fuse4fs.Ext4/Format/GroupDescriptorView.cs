using System.Buffers.Binary;

namespace Fuse4fs.Ext4.Format;

/// <summary>A group descriptor in place: 32 bytes, or 64 and more when the 64bit feature is set.</summary>
/// <remarks>Little-endian; halves of 64-bit values lie 0x20 bytes apart. Kernel: struct ext4_group_desc.
/// Docs: ext4/group_descr.</remarks>
public readonly ref struct GroupDescriptorView
{
    /// <summary>Where bg_checksum is.</summary>
    public const int ChecksumOffset = 0x1E;

    /// <summary>Bytes of a descriptor without the 64bit feature.</summary>
    public const int ShortSizeBytes = 32;

    /// <summary>Least bytes of a descriptor with the 64bit feature.</summary>
    public const int LongSizeBytes = 64;

    private readonly Span<byte> _bytes;

    /// <summary>Views a whole descriptor of <see cref="Geometry.DescriptorSizeBytes"/>.</summary>
    public GroupDescriptorView(Span<byte> bytes)
    {
        if (bytes.Length is not ShortSizeBytes and < LongSizeBytes)
        {
            Ext4CorruptException.Throw(Corruption.StructureOutOfBlock, "group descriptor");
        }
        _bytes = bytes;
    }

    /// <summary>The descriptor's bytes.</summary>
    public Span<byte> Bytes => _bytes;

    public FsBlock BlockBitmap
    {
        get => new(Get32(0x00, 0x20));
        set => Set32(0x00, 0x20, value.Value);
    }

    public FsBlock InodeBitmap
    {
        get => new(Get32(0x04, 0x24));
        set => Set32(0x04, 0x24, value.Value);
    }

    public FsBlock InodeTable
    {
        get => new(Get32(0x08, 0x28));
        set => Set32(0x08, 0x28, value.Value);
    }

    /// <summary>bg_free_blocks_count: free clusters.</summary>
    public uint FreeClusters
    {
        get => Get16(0x0C, 0x2C);
        set => Set16(0x0C, 0x2C, value);
    }

    public uint FreeInodes
    {
        get => Get16(0x0E, 0x2E);
        set => Set16(0x0E, 0x2E, value);
    }

    public uint Directories
    {
        get => Get16(0x10, 0x30);
        set => Set16(0x10, 0x30, value);
    }

    public GroupFlags Flags
    {
        get => (GroupFlags)BinaryPrimitives.ReadUInt16LittleEndian(_bytes[0x12..]);
        set => BinaryPrimitives.WriteUInt16LittleEndian(_bytes[0x12..], (ushort)value);
    }

    /// <summary>bg_block_bitmap_csum; only 16 bits of it are stored in a short descriptor.</summary>
    public uint BlockBitmapChecksum
    {
        get => Get16(0x18, 0x38);
        set => Set16(0x18, 0x38, value);
    }

    /// <summary>bg_inode_bitmap_csum; only 16 bits of it are stored in a short descriptor.</summary>
    public uint InodeBitmapChecksum
    {
        get => Get16(0x1A, 0x3A);
        set => Set16(0x1A, 0x3A, value);
    }

    /// <summary>bg_itable_unused: inodes at the end of the table that were never used.</summary>
    public uint UnusedInodes
    {
        get => Get16(0x1C, 0x32);
        set => Set16(0x1C, 0x32, value);
    }

    public ushort Checksum
    {
        get => BinaryPrimitives.ReadUInt16LittleEndian(_bytes[ChecksumOffset..]);
        set => BinaryPrimitives.WriteUInt16LittleEndian(_bytes[ChecksumOffset..], value);
    }

    /// <summary>True when the upper halves exist, so that bitmap checksums have 32 bits.</summary>
    public bool IsLong => _bytes.Length >= LongSizeBytes;

    private ulong Get32(int low, int high)
    {
        ulong value = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[low..]);
        return IsLong ? value | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(_bytes[high..]) << 32) : value;
    }

    private void Set32(int low, int high, ulong value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes[low..], (uint)(value & uint.MaxValue));
        if (IsLong)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes[high..], (uint)(value >> 32));
        }
    }

    private uint Get16(int low, int high)
    {
        uint value = BinaryPrimitives.ReadUInt16LittleEndian(_bytes[low..]);
        return IsLong ? value | ((uint)BinaryPrimitives.ReadUInt16LittleEndian(_bytes[high..]) << 16) : value;
    }

    private void Set16(int low, int high, uint value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes[low..], (ushort)(value & ushort.MaxValue));
        if (IsLong)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(_bytes[high..], (ushort)(value >> 16));
        }
    }
}

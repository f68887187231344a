namespace Fuse4fs.Ext4.Storage;

/// <summary>Requests of ioctl(2) that block devices answer. Source: linux/fs.h.</summary>
public static class BlockDeviceRequest
{
    /// <summary>BLKGETSIZE64: bytes of the device, into an unsigned 64-bit value.</summary>
    public const uint GetSize64 = 0x80081272;

    /// <summary>BLKSSZGET: bytes of a logical sector, into an int.</summary>
    public const uint GetSectorSize = 0x1268;

    /// <summary>BLKROGET: whether the device is write-protected, into an int.</summary>
    public const uint GetReadOnly = 0x125E;

    /// <summary>BLKDISCARD: takes first byte and length as two unsigned 64-bit values.</summary>
    public const uint Discard = 0x1277;

    /// <summary>BLKZEROOUT: takes first byte and length as two unsigned 64-bit values.</summary>
    public const uint ZeroOut = 0x127F;
}

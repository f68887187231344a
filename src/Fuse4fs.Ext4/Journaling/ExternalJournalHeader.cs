using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>The ext2 superblock at the usual place of a journal device: only the fields that matter for it.</summary>
/// <remarks>Docs: ext4/journal, "External Journal"; ext4/super for the offsets.</remarks>
internal static class ExternalJournalHeader
{
    /// <summary>Where an ext2 superblock stands, bytes.</summary>
    public const int OffsetBytes = 1024;

    private const int SizeBytes = 1024;
    private const ushort Magic = 0xEF53;
    private const uint JournalDeviceFeature = 0x8;
    private const uint MetadataChecksumFeature = 0x400;
    private const int BlocksOffset = 0x4;
    private const int LogBlockSizeOffset = 0x18;
    private const int MagicOffset = 0x38;
    private const int IncompatOffset = 0x60;
    private const int RoCompatOffset = 0x64;
    private const int UuidOffset = 0x68;
    private const int UuidBytes = 16;
    private const int ChecksumOffset = 0x3FC;

    /// <summary>Checks that the device is the journal of this file system.</summary>
    /// <returns>Its length in blocks.</returns>
    /// <exception cref="Ext4CorruptException">It is not.</exception>
    public static uint ReadLength(IBlockDevice device, int blockSizeBytes, ReadOnlySpan<byte> expectedUuid)
    {
        Span<byte> super = stackalloc byte[SizeBytes];
        device.Read(OffsetBytes, super);
        Require(BinaryPrimitives.ReadUInt16LittleEndian(super[MagicOffset..]) == Magic, "no ext2 superblock");
        Require((BinaryPrimitives.ReadUInt32LittleEndian(super[IncompatOffset..]) & JournalDeviceFeature) != 0,
            "not a journal device");
        if ((BinaryPrimitives.ReadUInt32LittleEndian(super[RoCompatOffset..]) & MetadataChecksumFeature) != 0)
        {
            uint stored = BinaryPrimitives.ReadUInt32LittleEndian(super[ChecksumOffset..]);
            Require(stored == Crc32C.Append(Crc32C.Start, super[..ChecksumOffset]), "checksum");
        }
        Require(super.Slice(UuidOffset, UuidBytes).SequenceEqual(expectedUuid),
            "the journal of another file system");
        uint logBlockSize = BinaryPrimitives.ReadUInt32LittleEndian(super[LogBlockSizeOffset..]);
        Require(logBlockSize <= 6 && 1024 << (int)logBlockSize == blockSizeBytes, "block size");
        uint blocks = BinaryPrimitives.ReadUInt32LittleEndian(super[BlocksOffset..]);
        Require(blocks > 0 && blocks <= (ulong)(device.LengthBytes / blockSizeBytes), "length");
        return blocks;
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            Ext4CorruptException.Throw(Corruption.JournalSuperblock, $"external journal: {what}");
        }
    }
}

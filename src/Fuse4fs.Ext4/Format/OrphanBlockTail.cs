using System.Runtime.InteropServices;

namespace Fuse4fs.Ext4.Format;

/// <summary>The end of a block of the orphan file; before it lie 32-bit inode numbers, 0 for none.</summary>
/// <remarks>Little-endian. Kernel: struct ext4_orphan_block_tail. Docs: ext4/orphan.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct OrphanBlockTail
{
    /// <summary>ob_magic.</summary>
    public const uint ExpectedMagic = 0x0B10CA04;

    /// <summary>Bytes of the structure.</summary>
    public const int SizeBytes = 8;

    public Le32 Magic;

    /// <summary>ob_checksum; see <see cref="Checksums.OfOrphanBlock"/>.</summary>
    public Le32 Checksum;
}

using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>The fixed part of a directory record; the name follows.</summary>
/// <remarks>8 bytes, little-endian. Kernel: struct ext4_dir_entry_2. Docs: ext4/directory, "Linear Directories".
/// Without the filetype feature the last byte is the upper half of the name's length, always 0.</remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct DirectoryRecordHeader
{
    public const int SizeBytes = 8;

    /// <summary>Length of a name's smallest record is a multiple of this.</summary>
    private const int Alignment = 4;

    /// <summary>The hashes behind the name in directories that are both encrypted and casefolded.</summary>
    public const int StoredHashBytes = 8;

    /// <summary>From this block size on, record lengths do not fit into 16 bits as they are.</summary>
    private const int LargeBlockBytes = 1 << 16;

    /// <summary>inode: 0 for a record without a name.</summary>
    public Le32 Inode;

    /// <summary>rec_len as stored; see <see cref="DecodeLength"/>.</summary>
    public Le16 RawLength;

    /// <summary>name_len, bytes.</summary>
    public byte NameLength;

    public DirectoryFileType FileType;

    /// <summary>Bytes the record of such a name needs at least.</summary>
    public static int LengthFor(int nameLength, bool hasStoredHash) =>
        (SizeBytes + nameLength + (hasStoredHash ? StoredHashBytes : 0) + Alignment - 1) & ~(Alignment - 1);

    /// <summary>rec_len in bytes. With blocks of 64 KiB the value 65535 or 0 means the whole block.</summary>
    public static int DecodeLength(ushort raw, int blockSizeBytes)
    {
        if (blockSizeBytes < LargeBlockBytes)
        {
            return raw;
        }
        return raw is 0 or ushort.MaxValue ? blockSizeBytes : raw;
    }

    /// <summary>The inverse of <see cref="DecodeLength"/>.</summary>
    public static ushort EncodeLength(int lengthBytes) =>
        lengthBytes >= LargeBlockBytes ? ushort.MaxValue : (ushort)lengthBytes;
}

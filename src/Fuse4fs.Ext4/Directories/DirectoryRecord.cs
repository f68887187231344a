using System.Buffers.Binary;
using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Directories;

/// <summary>One validated record of a directory block: a name, or free space when <see cref="Inode"/> is 0.</summary>
internal readonly ref struct DirectoryRecord
{
    private readonly ReadOnlySpan<byte> _bytes;

    internal DirectoryRecord(int offset, ReadOnlySpan<byte> bytes)
    {
        Offset = offset;
        _bytes = bytes;
        ref readonly DirectoryRecordHeader header = ref Disk.At<DirectoryRecordHeader>(bytes, 0);
        Inode = new InodeNumber(header.Inode);
        FileType = header.FileType;
        Name = bytes.Slice(DirectoryRecordHeader.SizeBytes, header.NameLength);
    }

    /// <summary>Where the record starts in its block, or inline area.</summary>
    public int Offset { get; }

    /// <summary>rec_len: up to the next record.</summary>
    public int Length => _bytes.Length;

    public InodeNumber Inode { get; }

    public DirectoryFileType FileType { get; }

    /// <summary>1 to 255 bytes when the record is in use; ciphertext in encrypted directories.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Holds a name.</summary>
    public bool IsUsed => Inode != InodeNumber.None && !Name.IsEmpty;

    /// <summary>"." or "..".</summary>
    public bool IsDot => IsDotName(Name);

    /// <summary>The hash behind the name; only in directories both encrypted and casefolded, and not for
    /// dots.</summary>
    public NameHash StoredHash
    {
        get
        {
            ReadOnlySpan<byte> at = _bytes[DirectoryRecordHeader.LengthFor(Name.Length, hasStoredHash: false)..];
            return new NameHash(
                BinaryPrimitives.ReadUInt32LittleEndian(at), BinaryPrimitives.ReadUInt32LittleEndian(at[4..]));
        }
    }

    /// <summary>Whether a name is "." or "..".</summary>
    public static bool IsDotName(ReadOnlySpan<byte> name) =>
        name.Length is 1 or 2 && name[0] == '.' && (name.Length == 1 || name[1] == '.');
}

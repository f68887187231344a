using System.Buffers.Binary;
using System.Numerics;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>e_hash and h_hash: they tell identical blocks, and e2fsck checks them. Kernel:
/// ext4_xattr_hash_entry.</summary>
internal static class XattrHash
{
    private const int NameShift = 5;
    private const int ValueShift = 16;

    /// <summary>Hash of an attribute stored in a block.</summary>
    /// <param name="suffix">The name without prefix.</param>
    /// <param name="value">The value; hashed as 32-bit little-endian words, the last one padded with zeros.</param>
    public static uint OfEntry(ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> value)
    {
        uint hash = OfName(suffix, isSigned: false);
        while (value.Length >= sizeof(uint))
        {
            hash = AddWord(hash, BinaryPrimitives.ReadUInt32LittleEndian(value));
            value = value[sizeof(uint)..];
        }
        if (!value.IsEmpty)
        {
            Span<byte> last = stackalloc byte[sizeof(uint)];
            last.Clear();
            value.CopyTo(last);
            hash = AddWord(hash, BinaryPrimitives.ReadUInt32LittleEndian(last));
        }
        return hash;
    }

    /// <summary>Hash of an attribute whose value is in an inode of its own.</summary>
    /// <param name="suffix">The name without prefix.</param>
    /// <param name="valueChecksum">crc32c of the value, as the value's inode keeps it.</param>
    /// <param name="isSigned">As kernels before 6.2 computed it where char is signed.</param>
    public static uint OfEntryWithInode(ReadOnlySpan<byte> suffix, uint valueChecksum, bool isSigned) =>
        AddWord(OfName(suffix, isSigned), valueChecksum);

    /// <summary>Continues h_hash with the next entry's hash; a zero among them makes the whole zero.</summary>
    public static uint AddWord(uint hash, uint word) => BitOperations.RotateLeft(hash, ValueShift) ^ word;

    private static uint OfName(ReadOnlySpan<byte> suffix, bool isSigned)
    {
        uint hash = 0;
        foreach (byte value in suffix)
        {
            int widened = isSigned ? unchecked((sbyte)value) : value;
            hash = BitOperations.RotateLeft(hash, NameShift) ^ unchecked((uint)widened);
        }
        return hash;
    }
}

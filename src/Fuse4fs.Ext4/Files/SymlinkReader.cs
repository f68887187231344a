using System.Buffers.Binary;
using Fuse4fs.Ext4.Directories;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Files;

/// <summary>Reads symbolic links: in i_block, inside the inode, or in a block. Callers hold the inode's lock.</summary>
internal sealed class SymlinkReader(VolumeContext context, InodeTable inodes, FileMap map)
{
    /// <summary>PATH_MAX: no target is longer, with its terminating zero.</summary>
    public const int MaximumBytes = 4096;

    private const int EncryptedHeaderBytes = 2;

    /// <summary>True when the target is in i_block. Kernel: ext4_inode_is_fast_symlink.</summary>
    public static bool IsFast(Geometry geometry, Inode inode)
    {
        if (geometry.Has(IncompatFeatures.XattrInodes))
        {
            // Values in inodes of their own count as the link's space.
            return !inode.Has(InodeFlags.InlineData) && inode.SizeBytes is > 0 and < BlockArea.SizeBytes;
        }
        uint attributeSectors = inode.XattrBlock.Value == 0
            ? 0
            : (uint)geometry.BlockSizeBytes / 512 * geometry.BlocksPerCluster;
        return !inode.Has(InodeFlags.InlineData) && inode.Sectors == attributeSectors;
    }

    /// <summary>Reads a link's target.</summary>
    /// <param name="inode">A symlink.</param>
    /// <param name="target">At least <see cref="MaximumBytes"/>.</param>
    /// <returns>Bytes of the target, no zero among them. Of an encrypted link, what is shown without the key.</returns>
    /// <exception cref="Ext4CorruptException">The link is damaged.</exception>
    public int Read(Inode inode, Span<byte> target)
    {
        int limit = Math.Min(MaximumBytes, target.Length);
        int length = (int)Math.Min(inode.SizeBytes, limit);
        if (inode.SizeBytes == 0 || inode.SizeBytes >= limit)
        {
            Ext4CorruptException.Throw(Corruption.SymlinkLength, $"symlink {inode.Number}: size {inode.SizeBytes}");
        }
        Span<byte> stored = target[..length];
        if (inode.Has(InodeFlags.InlineData))
        {
            using BlockLease lease = inodes.ReadRecord(inode, out Span<byte> record);
            InlineData.Copy(inode.BlockAreaBytes, InlineData.Rest(record, inode.Number), 0, stored);
        }
        else if (IsFast(context.Geometry, inode))
        {
            if (length >= BlockArea.SizeBytes)
            {
                Ext4CorruptException.Throw(Corruption.SymlinkLength, $"symlink {inode.Number}: size {length}");
            }
            inode.BlockAreaBytes[..length].CopyTo(stored);
        }
        else
        {
            ReadBlock(inode, stored);
        }
        if (inode.Has(InodeFlags.Encrypted))
        {
            return EncodeCiphertext(inode, stored, target);
        }
        int zero = stored.IndexOf((byte)0);
        return zero < 0 ? length : zero;
    }

    private void ReadBlock(Inode inode, Span<byte> stored)
    {
        if (stored.Length > context.Geometry.BlockSizeBytes || !map.TryGetBlock(inode, 0, out FsBlock block))
        {
            Ext4CorruptException.Throw(Corruption.SymlinkLength, $"symlink {inode.Number}: no block for its target");
            return;
        }
        using BlockLease lease = context.Cache.Read(block);
        lease.Bytes[..stored.Length].CopyTo(stored);
    }

    /// <summary>Kernel: fscrypt_get_symlink without the key.</summary>
    private static int EncodeCiphertext(Inode inode, ReadOnlySpan<byte> stored, Span<byte> target)
    {
        int length = stored.Length < EncryptedHeaderBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(stored);
        if (length == 0 || length > stored.Length - EncryptedHeaderBytes)
        {
            Ext4CorruptException.Throw(Corruption.SymlinkLength, $"encrypted symlink {inode.Number}: length {length}");
        }
        Span<byte> encoded = stackalloc byte[NoKeyName.MaxEncodedBytes];
        int count = NoKeyName.Encode(default, stored.Slice(EncryptedHeaderBytes, length), encoded);
        encoded[..count].CopyTo(target);
        return count;
    }
}

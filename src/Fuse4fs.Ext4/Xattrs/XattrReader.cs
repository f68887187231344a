using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Reads extended attributes: from the inode's tail, then from its block; large values from inodes of their
/// own. Needs the inode's lock, shared or exclusively. Docs: ext4/attributes, ext4/eainode.</summary>
internal sealed class XattrReader(VolumeContext context, InodeTable inodes, FileMap maps)
{
    /// <summary>Guards reference counts and checksums of attribute blocks: several inodes may share one. A leaf lock,
    /// held for memory accesses alone.</summary>
    public Lock SharedBlocks { get; } = new();

    /// <summary>Attribute blocks by their h_hash that further inodes may share. Guarded by <see cref="SharedBlocks"/>.
    /// </summary>
    public HashIndex KnownBlocks { get; } = new();

    /// <summary>Guards the counts of references to inodes that hold values: their owners' locks are several. Taken
    /// before the orphan list.</summary>
    public Lock ValueCounts { get; } = new();

    /// <summary>Inodes that hold values, by the values' checksums. Guarded by <see cref="ValueCounts"/>.</summary>
    public HashIndex KnownValues { get; } = new();

    /// <summary>Reads a value as stored.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="name">Which.</param>
    /// <param name="value">Receives it; empty asks for the length.</param>
    /// <param name="length">Bytes of the value; also with Range.</param>
    /// <returns>Ok, NoData when there is no such attribute, Range when it does not fit.</returns>
    /// <exception cref="Ext4CorruptException">The attributes, or the value, are damaged.</exception>
    public Errno Get(Inode inode, XattrName name, Span<byte> value, out int length)
    {
        using (BlockLease record = OpenInode(inode, out XattrArea area))
        {
            if (area.TryFind(name, out XattrEntry entry))
            {
                return CopyValue(inode, entry, value, out length);
            }
        }
        if (inode.XattrBlock.Value != 0)
        {
            using BlockLease block = OpenBlock(inode.XattrBlock, out XattrArea area);
            if (area.TryFind(name, out XattrEntry entry))
            {
                return CopyValue(inode, entry, value, out length);
            }
        }
        length = 0;
        return Errno.NoData;
    }

    /// <summary>Reads an ACL.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="name">Which of the two.</param>
    /// <param name="list">Null with Ok when there is none.</param>
    /// <returns>Ok, or Invalid for an impossible one.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public Errno GetAcl(Inode inode, XattrName name, out AccessControlList? list)
    {
        list = null;
        Errno error = Get(inode, name, default, out int length);
        if (error != Errno.Ok || length == 0)
        {
            return error == Errno.NoData ? Errno.Ok : error;
        }
        byte[] disk = new byte[length];
        error = Get(inode, name, disk, out _);
        return error == Errno.Ok ? AccessControlList.TryDecode(disk, isWire: false, out list) : error;
    }

    /// <summary>Names of all attributes users see, each ended by a zero byte.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="includeTrusted">Whether the caller may see trusted.*.</param>
    /// <param name="list">Receives them; empty asks for the length.</param>
    /// <param name="length">Bytes of the list; with Range what would be needed.</param>
    /// <returns>Ok, or Range when the list does not fit.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public Errno List(Inode inode, bool includeTrusted, Span<byte> list, out int length)
    {
        length = 0;
        using (BlockLease record = OpenInode(inode, out XattrArea area))
        {
            AppendNames(area, includeTrusted, list, ref length);
        }
        if (inode.XattrBlock.Value != 0)
        {
            using BlockLease block = OpenBlock(inode.XattrBlock, out XattrArea area);
            AppendNames(area, includeTrusted, list, ref length);
        }
        return list.IsEmpty || length <= list.Length ? Errno.Ok : Errno.Range;
    }

    /// <summary>Holds the inode's record; the area is empty when the inode has no attributes in it.</summary>
    public BlockLease OpenInode(Inode inode, out XattrArea area)
    {
        BlockLease lease = inodes.ReadRecord(inode, out Span<byte> record);
        try
        {
            area = default;
            int start = InodeRecord.SizeBytes + inode.ExtraSizeBytes;
            if (inode.HasXattrArea && start < record.Length)
            {
                XattrArea.TryOpenInode(record[start..], context.Geometry, inode.Number, out area);
            }
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Holds a block of attributes, its checksum verified.</summary>
    public BlockLease OpenBlock(FsBlock number, out XattrArea area)
    {
        BlockLease lease = context.Cache.Read(number);
        try
        {
            area = XattrArea.OpenBlock(lease.Bytes, context.Geometry, number);
            if (!lease.IsVerified)
            {
                VerifyBlock(number, lease);
            }
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Under the lock: another inode that shares the block may be changing its count.</summary>
    private void VerifyBlock(FsBlock number, BlockLease lease)
    {
        lock (SharedBlocks)
        {
            if (context.Checksums.IsEnabled && !lease.IsVerified)
            {
                uint expected = context.Checksums.OfXattrBlock(number, lease.Bytes);
                uint found = Disk.At<XattrBlockHeader>(lease.Bytes, 0).Checksum;
                if (expected != found)
                {
                    Ext4CorruptException.Throw(Corruption.XattrChecksum,
                        $"attribute block {number}: expected {expected:x8}, found {found:x8}",
                        InodeNumber.None, number);
                }
            }
            lease.MarkVerified();
            ref XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(lease.Bytes, 0);
            if (header.Hash != 0 && header.ReferenceCount < XattrBlockHeader.MaximumReferences)
            {
                KnownBlocks.Add(header.Hash, number.Value);
            }
        }
    }

    private static void AppendNames(XattrArea area, bool includeTrusted, Span<byte> list, ref int length)
    {
        foreach (XattrEntry entry in area)
        {
            ReadOnlySpan<byte> prefix = XattrName.PrefixOf(entry.Index);
            if (prefix.IsEmpty || (entry.Index == XattrIndex.Trusted && !includeTrusted))
            {
                continue;
            }
            ReadOnlySpan<byte> suffix = entry.Suffix;
            int end = length + prefix.Length + suffix.Length + 1;
            if (end <= list.Length)
            {
                prefix.CopyTo(list[length..]);
                suffix.CopyTo(list[(length + prefix.Length)..]);
                list[end - 1] = 0;
            }
            length = end;
        }
    }

    private Errno CopyValue(Inode owner, XattrEntry entry, Span<byte> value, out int length)
    {
        length = entry.ValueLength;
        if (value.IsEmpty)
        {
            return Errno.Ok;
        }
        if (value.Length < length)
        {
            return Errno.Range;
        }
        if (entry.ValueInode == InodeNumber.None)
        {
            entry.Value.CopyTo(value);
        }
        else
        {
            ReadValueInode(owner, entry, value[..length]);
        }
        return Errno.Ok;
    }

    private void ReadValueInode(Inode owner, XattrEntry entry, Span<byte> value)
    {
        InodeNumber number = entry.ValueInode;
        if (number == owner.Number)
        {
            Throw(owner, number, "it is the owner itself");
        }
        if (inodes.Acquire(number, InodeAccess.XattrValue, out InodeReference reference) != Errno.Ok)
        {
            Throw(owner, number, "it is not in use");
        }
        using (reference)
        using (reference.Inode.Lock.Shared())
        {
            Inode holder = reference.Inode;
            if (holder.SizeBytes != value.Length)
            {
                Throw(owner, number, $"{holder.SizeBytes} bytes, expected {value.Length}");
            }
            ReadBlocks(owner, holder, value);
            VerifyValue(owner, holder, entry, value);
        }
    }

    /// <summary>Whether an inode holds exactly this value. Its lock is held.</summary>
    public bool Holds(Inode owner, Inode holder, ReadOnlySpan<byte> value)
    {
        if (holder.SizeBytes != value.Length)
        {
            return false;
        }
        byte[] found = ArrayPool<byte>.Shared.Rent(value.Length);
        try
        {
            ReadBlocks(owner, holder, found.AsSpan(0, value.Length));
            return found.AsSpan(0, value.Length).SequenceEqual(value);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(found);
        }
    }

    private void ReadBlocks(Inode owner, Inode holder, Span<byte> value)
    {
        int blockSize = context.Geometry.BlockSizeBytes;
        for (int done = 0; done < value.Length; done += blockSize)
        {
            if (!maps.TryGetBlock(holder, (uint)(done / blockSize), out FsBlock block))
            {
                Throw(owner, holder.Number, "it has a hole");
            }
            using BlockLease lease = context.Cache.Read(block);
            int count = Math.Min(blockSize, value.Length - done);
            lease.Bytes[..count].CopyTo(value[done..]);
        }
    }

    /// <summary>The value's checksum is kept in i_atime; values written by Lustre name their owner instead. Kernel:
    /// ext4_xattr_inode_iget, ext4_xattr_inode_verify_hashes.</summary>
    private void VerifyValue(Inode owner, Inode holder, XattrEntry entry, ReadOnlySpan<byte> value)
    {
        uint stored = unchecked((uint)holder.AccessTime.Seconds);
        bool namesOwner = unchecked((uint)holder.ModificationTime.Seconds) == owner.Number.Value
            && holder.Generation == owner.Generation;
        if (entry.Hash != stored && namesOwner)
        {
            return;
        }
        uint found = Crc32C.Append(context.Geometry.ChecksumSeed, value);
        if (found != stored)
        {
            Throw(owner, holder.Number, $"checksum: expected {stored:x8}, found {found:x8}");
        }
        if (entry.Hash != XattrHash.OfEntryWithInode(entry.Suffix, found, isSigned: false)
            && entry.Hash != XattrHash.OfEntryWithInode(entry.Suffix, found, isSigned: true))
        {
            Throw(owner, holder.Number, $"entry hash {entry.Hash:x8}");
        }
        lock (ValueCounts)
        {
            if (holder.LinkCount > 0)
            {
                KnownValues.Add(found, holder.Number.Value);
            }
        }
    }

    [DoesNotReturn]
    private static void Throw(Inode owner, InodeNumber value, string what) => Ext4CorruptException.Throw(
        Corruption.XattrValueInode, $"attribute of inode {owner.Number} in inode {value}: {what}");
}

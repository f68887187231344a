using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Frees what an inode's attributes take outside its record when the inode goes: its block, unless others
/// share it, and the inodes that hold values. Docs: ext4/attributes, ext4/eainode. Kernel:
/// ext4_xattr_delete_inode.</summary>
/// <remarks>The inode is locked exclusively from the preparation on.</remarks>
internal sealed class AttributeRemover(
    VolumeContext context, InodeTable inodes, XattrReader reader, BlockAllocator allocator, OrphanList orphans)
{
    /// <summary>Reads and checks all that <see cref="Apply"/> will change.</summary>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public AttributeRemoval Prepare(Inode inode)
    {
        var removal = new AttributeRemoval();
        try
        {
            using (BlockLease record = reader.OpenInode(inode, out XattrArea area))
            {
                AddValues(inode, area, removal);
            }
            if (inode.XattrBlock.Value != 0)
            {
                PrepareBlock(inode, removal);
            }
            return removal;
        }
        catch
        {
            removal.Dispose();
            throw;
        }
    }

    /// <summary>Gives block and values up; the inode has none afterwards and is stored by the caller.</summary>
    public void Apply(Handle handle, Inode inode, AttributeRemoval removal)
    {
        if (inode.XattrBlock.Value != 0)
        {
            ReleaseBlock(handle, inode.XattrBlock);
            inode.XattrBlock = default;
        }
        foreach (InodeReference value in removal.Values)
        {
            ReleaseValue(handle, value.Inode, removal);
        }
    }

    /// <summary>The count of an inode that holds a value: the upper half is kept in its i_ctime. Kernel:
    /// ext4_xattr_inode_get_ref.</summary>
    private static ulong ReferencesOf(Inode value) =>
        ((ulong)unchecked((uint)value.ChangeTime.Seconds) << 32) | (value.Version & uint.MaxValue);

    private void PrepareBlock(Inode inode, AttributeRemoval removal)
    {
        BlockRun run = allocator.ClusterOf(inode.XattrBlock);
        using BlockLease block = reader.OpenBlock(inode.XattrBlock, out XattrArea area);
        allocator.PrepareFree(run);
        removal.Credits += 1 + allocator.FreeCredits(run);
        removal.Forgets++;
        if (Disk.At<XattrBlockHeader>(block.Bytes, 0).ReferenceCount <= 1)
        {
            AddValues(inode, area, removal);
        }
    }

    private void AddValues(Inode owner, XattrArea area, AttributeRemoval removal)
    {
        foreach (XattrEntry entry in area)
        {
            if (entry.ValueInode == InodeNumber.None)
            {
                continue;
            }
            if (entry.ValueInode == owner.Number
                || inodes.Acquire(entry.ValueInode, InodeAccess.XattrValue, out InodeReference value) != Errno.Ok)
            {
                Ext4CorruptException.Throw(Corruption.XattrValueInode,
                    $"attribute of inode {owner.Number} in inode {entry.ValueInode}: it is not in use");
                return;
            }
            removal.Values.Add(value);
            removal.Credits += inodes.StoreCredits + OrphanList.AddCredits;
        }
    }

    private void ReleaseBlock(Handle handle, FsBlock number)
    {
        using BlockLease lease = handle.Update(number);
        lock (reader.SharedBlocks)
        {
            ref XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(lease.Bytes, 0);
            if (header.ReferenceCount > 1)
            {
                header.ReferenceCount--;
                if (context.Checksums.IsEnabled)
                {
                    header.Checksum = context.Checksums.OfXattrBlock(number, lease.Bytes);
                }
                return;
            }
        }
        handle.Forget(number);
        allocator.Free(handle, allocator.ClusterOf(number), isMetadata: false);
    }

    /// <summary>Counts, and nothing else of these inodes, are guarded by the lock of shared blocks: their owners'
    /// locks are several.</summary>
    private void ReleaseValue(Handle handle, Inode value, AttributeRemoval removal)
    {
        bool isLast;
        lock (reader.SharedBlocks)
        {
            ulong references = ReferencesOf(value);
            references -= Math.Min(references, 1);
            isLast = references == 0 && value.LinkCount > 0;
            value.LinkCount = isLast ? (ushort)0 : value.LinkCount;
            value.Version = references & uint.MaxValue;
            value.ChangeTime = new Timestamp((long)(references >> 32), 0);
            inodes.Store(handle, value);
        }
        if (isLast)
        {
            // Its lock comes before that of the shared blocks.
            orphans.Add(handle, value);
            removal.Orphaned.Add(value.Number);
        }
    }
}

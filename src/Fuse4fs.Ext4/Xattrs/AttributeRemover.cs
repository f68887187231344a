using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Frees what an inode's attributes take outside its record when the inode goes: its block, unless others
/// share it, and the inodes that hold values. Docs: ext4/attributes, ext4/eainode. Kernel:
/// ext4_xattr_delete_inode.</summary>
/// <remarks>The inode is locked exclusively from the preparation on.</remarks>
internal sealed class AttributeRemover(
    InodeTable inodes, XattrReader reader, XattrWriter writer, BlockAllocator allocator, OrphanList orphans)
{
    /// <summary>Reads and checks all that <see cref="Apply"/> will change.</summary>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public AttributeRemoval Prepare(Inode inode)
    {
        var removal = new AttributeRemoval(new ValueReferences(inodes, orphans, reader));
        try
        {
            int values = 0;
            using (BlockLease record = reader.OpenInode(inode, out XattrArea area))
            {
                foreach (XattrEntry entry in area)
                {
                    if (HasValue(inode, entry))
                    {
                        values++;
                        removal.Values.Add(entry.ValueInode, -1);
                    }
                }
            }
            if (inode.XattrBlock.Value != 0)
            {
                values += PrepareBlock(inode, removal);
            }
            inode.LearnValueInodes(values);
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
        bool isBlockFreed = false;
        if (inode.XattrBlock.Value != 0)
        {
            isBlockFreed = writer.Release(handle, inode.XattrBlock);
            inode.XattrBlock = default;
        }
        removal.Values.Apply(handle, isBlockWritten: false, isBlockFreed);
    }

    /// <summary>Whether others use the block is known only when it is given up: they come and go.</summary>
    /// <returns>How many values in inodes it refers to.</returns>
    private int PrepareBlock(Inode inode, AttributeRemoval removal)
    {
        BlockRun run = allocator.ClusterOf(inode.XattrBlock);
        using BlockLease block = reader.OpenBlock(inode.XattrBlock, out XattrArea area);
        allocator.PrepareFree(run);
        removal.BlockCredits = 1 + allocator.FreeCredits(run);
        removal.Forgets = 1;
        int values = 0;
        foreach (XattrEntry entry in area)
        {
            if (HasValue(inode, entry))
            {
                values++;
                removal.Values.DropIfGone(entry.ValueInode);
            }
        }
        return values;
    }

    private static bool HasValue(Inode owner, XattrEntry entry)
    {
        if (entry.ValueInode == owner.Number)
        {
            Ext4CorruptException.Throw(
                Corruption.XattrValueInode, $"attribute of inode {owner.Number}: its value is in the inode itself");
        }
        return entry.ValueInode != InodeNumber.None;
    }
}

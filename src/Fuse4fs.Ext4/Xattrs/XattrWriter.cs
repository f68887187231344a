using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Writes extended attributes: first <em>begin</em> an edit and change it, then <em>reserve</em>, then begin
/// a handle with its credits, <em>apply</em>, store the inode, end the handle, and <em>finish</em>. Needs the inode's
/// lock exclusively.</summary>
internal sealed class XattrWriter(
    VolumeContext context, InodeTable inodes, XattrReader reader, BlockAllocator allocator)
{
    private int _isDeclared = context.Geometry.Has(CompatFeatures.ExtendedAttributes) ? 1 : 0;
    private readonly ulong _sectorsPerBlock = (ulong)context.Geometry.BlockSizeBytes >> 9;

    /// <summary>Starts an edit.</summary>
    /// <param name="inode">Also one just created and not stored yet: it has no attributes.</param>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    public XattrEdit Begin(Inode inode)
    {
        int start = InodeRecord.SizeBytes + inode.ExtraSizeBytes;
        int tailBytes = inode.ExtraSizeBytes == 0 ? 0 : context.Geometry.InodeSizeBytes - start;
        if (inode.IsNew)
        {
            return new XattrEdit(context.Geometry, inode, new byte[tailBytes], default);
        }
        using BlockLease lease = reader.OpenInode(inode, out XattrArea area);
        ReadOnlySpan<byte> tail = area.IsEmpty
            ? new byte[tailBytes]
            : lease.Bytes.Slice(inode.TableOffsetBytes + start, tailBytes);
        if (inode.XattrBlock.Value == 0)
        {
            return new XattrEdit(context.Geometry, inode, tail, default);
        }
        using BlockLease block = reader.OpenBlock(inode.XattrBlock, out _);
        lock (reader.SharedBlocks)
        {
            return new XattrEdit(context.Geometry, inode, tail, block.Bytes)
            {
                IsShared = Disk.At<XattrBlockHeader>(block.Bytes, 0).ReferenceCount > 1,
            };
        }
    }

    /// <summary>Reserves what the edit needs.</summary>
    /// <returns>Ok, NoSpace, or QuotaExceeded.</returns>
    /// <exception cref="Ext4CorruptException">The old block cannot be freed.</exception>
    public Errno Reserve(XattrEdit edit, SpaceClaim claim)
    {
        if (!edit.IsBlockChanged)
        {
            return Errno.Ok;
        }
        if (edit.OldBlock.Value != 0 && (edit.IsShared || !edit.HasBlock))
        {
            allocator.PrepareFree(RunOf(edit.OldBlock));
        }
        if (!edit.HasBlock || (edit.OldBlock.Value != 0 && !edit.IsShared))
        {
            return Errno.Ok;
        }
        if (inodes.Accounts?.LimitSpace(edit.Inode, 1, claim.IsPrivileged()) == 0)
        {
            return Errno.QuotaExceeded;
        }
        var goal = new AllocationGoal
        {
            Owner = edit.Inode.Number,
            IsBlockMapped = !edit.Inode.Has(InodeFlags.Extents),
        };
        Errno error = allocator.Reserve(in goal, 1, claim, out BlockRun run);
        edit.NewBlock = run;
        return error;
    }

    /// <summary>Blocks that applying adds to the handle's transaction; the caller adds those of storing the inode.
    /// </summary>
    public int Credits(XattrEdit edit)
    {
        int declaration = Volatile.Read(ref _isDeclared) != 0 ? 0 : SuperblockChange.Credits;
        if (!edit.IsBlockChanged)
        {
            return declaration;
        }
        int credits = declaration + 1 + (edit.NewBlock.IsEmpty ? 0 : BlockAllocator.CommitCredits);
        return edit.OldBlock.Value == 0 ? credits : credits + 1 + allocator.FreeCredits(RunOf(edit.OldBlock));
    }

    /// <summary>Writes an edit. The inode is stored by the caller: afterwards, and once before when it is
    /// new.</summary>
    /// <returns>True when the old block was freed.</returns>
    public bool Apply(Handle handle, XattrEdit edit)
    {
        Inode inode = edit.Inode;
        if (Volatile.Read(ref _isDeclared) == 0)
        {
            Declare(handle);
        }
        inode.Sectors -= Math.Min(inode.Sectors, edit.DroppedSectors);
        if (edit.IsTailChanged)
        {
            using BlockLease record = handle.Update(inode.TableBlock);
            int start = inode.TableOffsetBytes + InodeRecord.SizeBytes + inode.ExtraSizeBytes;
            edit.Tail.CopyTo(record.Bytes[start..]);
            inode.HasXattrArea = true;
        }
        return edit.IsBlockChanged && ApplyBlock(handle, edit);
    }

    /// <summary>Ends an edit, applied or not.</summary>
    public void Finish(XattrEdit edit)
    {
        allocator.Cancel(edit.NewBlock);
        edit.NewBlock = default;
        edit.Dispose();
    }

    /// <summary>One inode less uses a block; the last one frees it.</summary>
    /// <returns>True when it was the last one.</returns>
    public bool Release(Handle handle, FsBlock block)
    {
        using BlockLease lease = handle.Update(block);
        bool isLast;
        lock (reader.SharedBlocks)
        {
            ref XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(lease.Bytes, 0);
            isLast = header.ReferenceCount <= 1;
            if (!isLast)
            {
                header.ReferenceCount--;
                Seal(lease);
            }
        }
        if (isLast)
        {
            handle.Forget(block);
            allocator.Free(handle, RunOf(block), isMetadata: false);
        }
        return isLast;
    }

    /// <summary>The first attribute of the volume. Kernel: ext4_xattr_update_super_block.</summary>
    private void Declare(Handle handle)
    {
        SuperblockChange.Apply(context, handle, static (ref Superblock super) =>
        {
            super.MakeDynamic();
            super.Compat |= (uint)CompatFeatures.ExtendedAttributes;
        });
        Volatile.Write(ref _isDeclared, 1);
    }

    private bool ApplyBlock(Handle handle, XattrEdit edit)
    {
        Inode inode = edit.Inode;
        if (edit.HasBlock && edit.NewBlock.IsEmpty)
        {
            using BlockLease lease = handle.Update(edit.OldBlock);
            Store(lease, edit);
            return false;
        }
        if (edit.HasBlock)
        {
            BlockRun run = edit.NewBlock;
            edit.NewBlock = default;
            allocator.Commit(handle, run);
            using BlockLease lease = handle.Create(run.Start);
            Store(lease, edit);
            inode.XattrBlock = run.Start;
            inode.Sectors += run.LengthBlocks * _sectorsPerBlock;
        }
        else
        {
            inode.XattrBlock = default;
        }
        if (edit.OldBlock.Value == 0)
        {
            return false;
        }
        inode.Sectors -= Math.Min(inode.Sectors, RunOf(edit.OldBlock).LengthBlocks * _sectorsPerBlock);
        return Release(handle, edit.OldBlock);
    }

    private void Store(BlockLease lease, XattrEdit edit)
    {
        lock (reader.SharedBlocks)
        {
            edit.Block.CopyTo(lease.Bytes);
            Seal(lease);
        }
    }

    private void Seal(BlockLease lease)
    {
        if (context.Checksums.IsEnabled)
        {
            Disk.At<XattrBlockHeader>(lease.Bytes, 0).Checksum =
                context.Checksums.OfXattrBlock(lease.Block, lease.Bytes);
        }
    }

    /// <summary>The space of an attribute block.</summary>
    public BlockRun RunOf(FsBlock block) => allocator.ClusterOf(block);
}

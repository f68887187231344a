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
        XattrEdit edit = Read(inode);
        inode.TailEdits++;
        return edit;
    }

    private XattrEdit Read(Inode inode)
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
            ref XattrBlockHeader header = ref Disk.At<XattrBlockHeader>(block.Bytes, 0);
            bool isShared = header.ReferenceCount > 1;
            if (!isShared)
            {
                // It may be changed in its place: nobody may begin to share it until that is done.
                reader.KnownBlocks.Remove(header.Hash, inode.XattrBlock.Value);
            }
            return new XattrEdit(context.Geometry, inode, tail, block.Bytes) { IsShared = isShared };
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
        FindCandidate(edit);
        bool hasOld = edit.OldBlock.Value != 0;
        if (hasOld && (edit.IsShared || !edit.HasBlock || edit.Candidate.Value != 0))
        {
            allocator.PrepareFree(RunOf(edit.OldBlock));
        }
        if (!edit.HasBlock || (hasOld && !edit.IsShared))
        {
            return Errno.Ok;
        }
        if (inodes.Accounts?.LimitSpace(edit.Inode, 1, claim.IsPrivileged()) == 0)
        {
            return Errno.QuotaExceeded;
        }
        // Also with a candidate: it may be gone when the handle is open.
        var goal = new AllocationGoal
        {
            Owner = edit.Inode.Number,
            IsBlockMapped = !edit.Inode.Has(InodeFlags.Extents),
        };
        Errno error = allocator.Reserve(in goal, 1, claim, out BlockRun run);
        edit.NewBlock = run;
        return error;
    }

    /// <summary>Looks for a block that says the same. Kernel: ext4_xattr_block_cache_find.</summary>
    private void FindCandidate(XattrEdit edit)
    {
        uint hash = Disk.At<XattrBlockHeader>(edit.Block, 0).Hash;
        ulong place;
        lock (reader.SharedBlocks)
        {
            if (!edit.HasBlock || hash == 0 || !reader.KnownBlocks.TryFind(hash, out place)
                || place == edit.OldBlock.Value)
            {
                return;
            }
        }
        using BlockLease lease = context.Cache.Read(new FsBlock(place));
        lock (reader.SharedBlocks)
        {
            if (IsShareable(edit, hash, lease))
            {
                edit.Candidate = lease.Block;
            }
        }
    }

    /// <summary>Under the lock of shared blocks: as long as the block is known, it is somebody's.</summary>
    private bool IsShareable(XattrEdit edit, uint hash, BlockLease other) =>
        reader.KnownBlocks.TryFind(hash, out ulong place) && place == other.Block.Value
        && Disk.At<XattrBlockHeader>(other.Bytes, 0).ReferenceCount < XattrBlockHeader.MaximumReferences
        && edit.IsSameAs(other.Bytes, other.Block);

    /// <summary>Blocks that applying adds to the handle's transaction; the caller adds those of storing the inode.
    /// </summary>
    public int Credits(XattrEdit edit)
    {
        int declaration = Volatile.Read(ref _isDeclared) != 0 ? 0 : SuperblockChange.Credits;
        if (!edit.IsBlockChanged)
        {
            return declaration;
        }
        // The block itself; also the candidate, which may turn out to be no use when it has joined the transaction.
        int credits = declaration + 1 + (edit.Candidate.Value == 0 ? 0 : 1)
            + (edit.NewBlock.IsEmpty ? 0 : BlockAllocator.CommitCredits);
        return edit.OldBlock.Value == 0 ? credits : credits + 1 + allocator.FreeCredits(RunOf(edit.OldBlock));
    }

    /// <summary>Writes an edit. The inode is stored by the caller: afterwards, and once before when it is
    /// new.</summary>
    public void Apply(Handle handle, XattrEdit edit)
    {
        Inode inode = edit.Inode;
        if (Volatile.Read(ref _isDeclared) == 0)
        {
            Declare(handle);
        }
        edit.IsApplied = true;
        edit.CountValues();
        if (edit.IsTailChanged)
        {
            using BlockLease record = handle.Update(inode.TableBlock);
            int start = inode.TableOffsetBytes + InodeRecord.SizeBytes;
            record.Bytes[(start + inode.ExtraSizeBytes)..(start + edit.ExtraSizeBytes)].Clear();
            inode.ExtraSizeBytes = edit.ExtraSizeBytes;
            edit.Tail.CopyTo(record.Bytes[(start + edit.ExtraSizeBytes)..]);
            inode.HasXattrArea = true;
        }
        if (edit.IsBlockChanged)
        {
            ApplyBlock(handle, edit);
        }
    }

    /// <summary>Ends an edit, applied or not.</summary>
    public void Finish(XattrEdit edit)
    {
        allocator.Cancel(edit.NewBlock);
        edit.NewBlock = default;
        edit.Inode.TailEdits--;
        if (!edit.IsApplied || !edit.IsBlockChanged)
        {
            Offer(edit.OldBlock, edit.OldHash, edit.IsShared);
        }
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
            if (isLast)
            {
                reader.KnownBlocks.Remove(header.Hash, block.Value);
            }
            else
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

    private void ApplyBlock(Handle handle, XattrEdit edit)
    {
        Inode inode = edit.Inode;
        if (edit.HasBlock && edit.OldBlock.Value != 0 && !edit.IsShared && !TryShare(handle, edit))
        {
            using BlockLease lease = handle.Update(edit.OldBlock);
            Store(lease, edit);
            edit.IsOldBlockGone = true;
            return;
        }
        if (!edit.HasBlock)
        {
            inode.XattrBlock = default;
        }
        else if (edit.NewBlock.IsEmpty || TryShare(handle, edit))
        {
            inode.XattrBlock = edit.Candidate;
            inode.Sectors += RunOf(edit.Candidate).LengthBlocks * _sectorsPerBlock;
        }
        else
        {
            BlockRun run = edit.NewBlock;
            edit.NewBlock = default;
            allocator.Commit(handle, run);
            using BlockLease lease = handle.Create(run.Start);
            Store(lease, edit);
            inode.XattrBlock = run.Start;
            inode.Sectors += run.LengthBlocks * _sectorsPerBlock;
        }
        if (edit.OldBlock.Value != 0)
        {
            inode.Sectors -= Math.Min(inode.Sectors, RunOf(edit.OldBlock).LengthBlocks * _sectorsPerBlock);
            edit.IsOldBlockGone = Release(handle, edit.OldBlock);
        }
    }

    /// <summary>One inode more uses the candidate, if it still says the same.</summary>
    private bool TryShare(Handle handle, XattrEdit edit)
    {
        if (edit.Candidate.Value == 0)
        {
            return false;
        }
        uint hash = Disk.At<XattrBlockHeader>(edit.Block, 0).Hash;
        // Held, so that it need not be read under the lock.
        using BlockLease held = context.Cache.Read(edit.Candidate);
        lock (reader.SharedBlocks)
        {
            if (!reader.KnownBlocks.TryFind(hash, out ulong place) || place != edit.Candidate.Value)
            {
                return false;
            }
            // In this order: a block that is nobody's any more must not get into the transaction.
            using BlockLease lease = handle.Update(edit.Candidate);
            if (!IsShareable(edit, hash, lease))
            {
                return false;
            }
            Disk.At<XattrBlockHeader>(lease.Bytes, 0).ReferenceCount++;
            Seal(lease);
            return true;
        }
    }

    private void Offer(FsBlock block, uint hash, bool isShared)
    {
        if (block.Value == 0 || hash == 0 || isShared)
        {
            return;
        }
        lock (reader.SharedBlocks)
        {
            reader.KnownBlocks.Add(hash, block.Value);
        }
    }

    private void Store(BlockLease lease, XattrEdit edit)
    {
        lock (reader.SharedBlocks)
        {
            edit.Block.CopyTo(lease.Bytes);
            Seal(lease);
            edit.IsBlockWritten = true;
            uint hash = Disk.At<XattrBlockHeader>(edit.Block, 0).Hash;
            if (hash != 0)
            {
                reader.KnownBlocks.Add(hash, lease.Block.Value);
            }
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

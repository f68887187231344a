using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Inodes;

/// <summary>Inodes that a crash would leave half done: unlinked but still in use, or in the middle of a long truncate. The
/// list begins in the superblock and goes on through the deletion times of the inodes on it.</summary>
/// <remarks>Guarded by a lock of its own, held inside handles; below the inode locks. Docs: ext4/orphan. Kernel:
/// ext4_orphan_add, ext4_orphan_del.</remarks>
internal sealed class OrphanList(VolumeContext context)
{
    /// <summary>Blocks that <see cref="Add"/> changes beside the inode's own.</summary>
    public const int AddCredits = 1;

    /// <summary>Blocks that <see cref="Remove"/> changes beside the inode's own: the superblock's, or the one of the inode
    /// before.</summary>
    public const int RemoveCredits = 1;

    private readonly Lock _gate = new();
    private Inode? _head;

    /// <summary>Puts an inode at the head; does nothing when it is on the list. The caller stores it afterwards.</summary>
    /// <param name="handle">Of the change that makes it an orphan.</param>
    /// <param name="inode">Locked exclusively.</param>
    public void Add(Handle handle, Inode inode)
    {
        lock (_gate)
        {
            if (inode.IsOrphan)
            {
                return;
            }
            inode.IsOrphan = true;
            inode.DeletionTime = _head?.Number.Value ?? 0;
            inode.NextOrphan = _head;
            if (_head is not null)
            {
                _head.PreviousOrphan = inode;
            }
            _head = inode;
            StoreHead(handle);
        }
    }

    /// <summary>Takes an inode off the list; does nothing when it is not on it. The caller stores it afterwards.</summary>
    public void Remove(Handle handle, Inode inode)
    {
        lock (_gate)
        {
            if (!inode.IsOrphan)
            {
                return;
            }
            Inode? next = inode.NextOrphan;
            Inode? previous = inode.PreviousOrphan;
            if (next is not null)
            {
                next.PreviousOrphan = previous;
            }
            if (previous is null)
            {
                _head = next;
                StoreHead(handle);
            }
            else
            {
                previous.NextOrphan = next;
                StoreNext(handle, previous, next);
            }
            (inode.NextOrphan, inode.PreviousOrphan, inode.IsOrphan, inode.DeletionTime) = (null, null, false, 0);
        }
    }

    private void StoreHead(Handle handle)
    {
        using BlockLease lease = handle.Update(context.Geometry.SuperblockBlock);
        Span<byte> bytes = lease.Bytes.Slice(context.Geometry.SuperblockOffsetInBlock, Superblock.SizeBytes);
        lock (context.SuperblockGate)
        {
            ref Superblock super = ref Disk.At<Superblock>(bytes, 0);
            super.LastOrphan = _head?.Number.Value ?? 0;
            if (context.Checksums.IsEnabled)
            {
                super.Checksum = Checksums.OfSuperblock(bytes);
            }
        }
    }

    /// <summary>Changes one field of an inode whose lock somebody else may hold: the record's own lock suffices, as only
    /// this list changes that field.</summary>
    private void StoreNext(Handle handle, Inode inode, Inode? next)
    {
        using BlockLease lease = handle.Update(inode.TableBlock);
        Span<byte> record = lease.Bytes.Slice(inode.TableOffsetBytes, context.Geometry.InodeSizeBytes);
        lock (inode.RecordGate)
        {
            inode.DeletionTime = next?.Number.Value ?? 0;
            Disk.At<InodeRecord>(record, 0).DeletionTime = inode.DeletionTime;
            if (context.Checksums.IsEnabled)
            {
                Checksums.StoreInInode(inode.ChecksumSeed, record);
            }
        }
    }
}

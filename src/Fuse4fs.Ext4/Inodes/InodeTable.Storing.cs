using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Inodes;

public sealed partial class InodeTable
{
    private const long MaximumShortSize = int.MaxValue;

    private int _hasLargeFiles;

    /// <summary>Changes the link to the next orphan, and nothing else, of an inode whose lock somebody else may hold:
    /// only the orphan list changes that field.</summary>
    internal void StoreNextOrphan(Handle handle, Inode inode, uint next)
    {
        using BlockLease lease = handle.Update(inode.TableBlock);
        Span<byte> record = lease.Bytes.Slice(inode.TableOffsetBytes, _context.Geometry.InodeSizeBytes);
        lock (inode.RecordGate)
        {
            inode.DeletionTime = next;
            if (inode.IsNew)
            {
                return;     // stored as a whole in the same handle
            }
            Disk.At<InodeRecord>(record, 0).DeletionTime = next;
            if (_context.Checksums.IsEnabled)
            {
                Checksums.StoreInInode(inode.ChecksumSeed, record);
            }
        }
    }

    /// <summary>Blocks that <see cref="Store"/> changes at most.</summary>
    public int StoreCredits => (Volatile.Read(ref _hasLargeFiles) != 0 ? 1 : 2) + (Accounts?.Credits ?? 0);

    /// <summary>Writes an inode's fields back, checksum included. The caller holds its lock exclusively.</summary>
    /// <param name="handle">Of the operation that changed the inode.</param>
    /// <param name="inode">All of its fields are stored.</param>
    /// <param name="isFreed">The inode is in use no more.</param>
    public void Store(Handle handle, Inode inode, bool isFreed = false)
    {
        using BlockLease lease = handle.Update(inode.TableBlock);
        Span<byte> record = lease.Bytes.Slice(inode.TableOffsetBytes, _context.Geometry.InodeSizeBytes);
        // Of a directory every change is what fdatasync is for: its data are its entries.
        bool isData = inode.IsDataStorePending || inode.IsNew || !inode.IsRegular;
        lock (inode.RecordGate)
        {
            if (inode.IsNew)
            {
                record.Clear();     // what an earlier use of the number left
                inode.IsNew = false;
            }
            else if (inode.ExtraSizeBytes < WantedExtraSizeBytes && inode.TailEdits == 0
                && !inode.Has(InodeFlags.XattrValue))
            {
                ExtraSpace?.TryGrow(inode, WantedExtraSizeBytes, record);
            }
            InodeEncoder.Encode(_context.Geometry, _context.Checksums, inode, record);
        }
        inode.HasXattrArea = inode.ExtraSizeBytes > 0;
        inode.LastTransaction = handle.TransactionId;
        if (isData)
        {
            inode.IsDataStorePending = false;
            inode.LastDataTransaction = handle.TransactionId;
        }
        Count(handle, inode, isFreed);
        if (inode.SizeBytes > MaximumShortSize && inode.IsRegular && Volatile.Read(ref _hasLargeFiles) == 0)
        {
            DeclareLargeFiles(handle);
        }
    }

    /// <summary>Grows the fields of inodes that were made smaller than the volume wants them now; null on volumes
    /// opened read-only.</summary>
    internal IExtraSpace? ExtraSpace { get; set; }

    /// <summary>What nobody can reach is not counted; values of attributes are with those who have them.</summary>
    private void Count(Handle handle, Inode inode, bool isFreed)
    {
        if (Accounts is not { } accounts || IsReserved(inode.Number) || inode.Has(InodeFlags.XattrValue))
        {
            return;
        }
        InodeCharge charge = InodeCharge.Of(inode);
        charge = isFreed ? charge.Released : charge;
        if (charge != inode.Charge)
        {
            accounts.Move(handle, inode.Charge, in charge);
            inode.Charge = charge;
        }
    }

    /// <summary>The first file beyond 2 GiB: older implementations must not touch the volume any more. Kernel:
    /// ext4_update_dynamic_rev, large_file.</summary>
    private void DeclareLargeFiles(Handle handle)
    {
        SuperblockChange.Apply(_context, handle, static (ref Superblock super) =>
        {
            super.MakeDynamic();
            super.RoCompat |= (uint)RoCompatFeatures.LargeFile;
        });
        Volatile.Write(ref _hasLargeFiles, 1);
    }
}

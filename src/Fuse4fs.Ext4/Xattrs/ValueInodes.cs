using Fuse4fs.Ext4.Allocation;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>Makes inodes that hold values of attributes, and finds those that hold a value already. Docs: ext4/eainode.
/// Kernel: ext4_xattr_inode_lookup_create.</summary>
/// <remarks>A new one is made in several handles: an orphan without references first, then its blocks. The handle that
/// enters the attribute makes it an ordinary one; until then a crash frees it.</remarks>
internal sealed class ValueInodes(
    VolumeContext context, InodeTable inodes, MapEditor maps, HoleAllocator holes, FreeSpace space, OrphanList orphans,
    XattrReader reader, Journal journal)
{
    private const ushort Permissions = 0x180;
    private const int ShortestName = 3;

    /// <summary>The volume has such inodes at all.</summary>
    public bool IsSupported { get; } = context.Geometry.Has(IncompatFeatures.XattrInodes);

    /// <summary>Too large for an attribute block: goes to an inode even when there is room. Kernel:
    /// EXT4_XATTR_MIN_LARGE_EA_SIZE.</summary>
    public bool IsLarge(ReadOnlySpan<byte> value) => IsSupported
        && XattrEntryHeader.Pad(value.Length) > context.Geometry.BlockSizeBytes
            - XattrEntryHeader.LengthFor(ShortestName) - XattrBlockHeader.SizeBytes - sizeof(uint);

    /// <summary>Clusters that a value takes.</summary>
    public uint ClustersOf(int valueBytes)
    {
        int shift = context.Geometry.BlockSizeShift + context.Geometry.ClusterShift;
        return (uint)((valueBytes + (1L << shift) - 1) >> shift);
    }

    /// <summary>What finds equal values, and proves them undamaged.</summary>
    public uint ChecksumOf(ReadOnlySpan<byte> value) => Crc32C.Append(context.Geometry.ChecksumSeed, value);

    /// <summary>Looks for an inode that may hold a value of this checksum.</summary>
    /// <returns>False when none is known. The caller locks it, and compares.</returns>
    public bool TryFind(uint checksum, out InodeReference found)
    {
        found = default;
        ulong number;
        lock (reader.ValueCounts)
        {
            if (!reader.KnownValues.TryFind(checksum, out number))
            {
                return false;
            }
        }
        try
        {
            return inodes.Acquire(new InodeNumber((uint)number), InodeAccess.XattrValue, out found) == Errno.Ok;
        }
        catch (Ext4CorruptException other) when (other.Kind == Corruption.XattrValueInode)
        {
            // Removed in between, and its number is a file's now.
            return false;
        }
    }

    /// <summary>Whether an inode found holds a value. Its lock is held, shared, until the reference to it is made: while
    /// it is, nobody removes the inode, even if it loses its last reference.</summary>
    public bool IsHolder(Inode owner, Inode found, ReadOnlySpan<byte> value) =>
        found.LinkCount > 0 && !found.IsDetached && reader.Holds(owner, found, value);

    /// <summary>Further attributes may share the value.</summary>
    public void Remember(Inode value, uint checksum)
    {
        lock (reader.ValueCounts)
        {
            if (value.LinkCount > 0)
            {
                reader.KnownValues.Add(checksum, value.Number.Value);
            }
        }
    }

    /// <summary>Writes a value into a new inode.</summary>
    /// <param name="owner">Whose attribute; locked exclusively.</param>
    /// <param name="value">At least one byte.</param>
    /// <param name="checksum">Of the value.</param>
    /// <param name="claim">How deep to dig into the last free space.</param>
    /// <param name="created">Also with an error, when <paramref name="isCreated"/>: an orphan, to be removed unless it
    /// gets a reference.</param>
    /// <param name="isCreated">Whether there is one.</param>
    /// <returns>Ok, NoSpace, ReadOnly for an aborted journal.</returns>
    public Errno Create(
        Inode owner, ReadOnlySpan<byte> value, uint checksum, SpaceClaim claim, out InodeReference created,
        out bool isCreated)
    {
        Errno error = MakeEmpty(owner, checksum, out created, out isCreated);
        int blockSize = context.Geometry.BlockSizeBytes;
        FsBlock last = default;
        for (int done = 0; error == Errno.Ok && done < value.Length; done += blockSize)
        {
            ReadOnlySpan<byte> part = value.Slice(done, Math.Min(blockSize, value.Length - done));
            error = Append(created.Inode, part, done, claim, ref last);
        }
        return error;
    }

    private Errno MakeEmpty(Inode owner, uint checksum, out InodeReference created, out bool isCreated)
    {
        created = default;
        isCreated = false;
        Errno error = space.Inodes.Reserve(
            owner.Number, isDirectory: false, isTop: false, out InodeReservation reservation);
        if (error != Errno.Ok)
        {
            return error;
        }
        created = inodes.Create(reservation.Number, reservation.Generation);
        Inode inode = created.Inode;
        try
        {
            Initialize(inode, owner, checksum);
            error = journal.TryStart(
                InodeAllocator.CommitCredits + inodes.StoreCredits + OrphanList.AddCredits, out Handle handle);
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                space.Inodes.Commit(handle, reservation);
                isCreated = true;
                orphans.Add(handle, inode);
                inodes.Store(handle, inode);
                handle.Complete();
            }
            return Errno.Ok;
        }
        finally
        {
            if (!isCreated)
            {
                inodes.Forget(inode);
                space.Inodes.Cancel(reservation);
                created.Dispose();
                created = default;
            }
        }
    }

    /// <summary>The access time is the checksum; the count, none yet, is in the change time and the version.</summary>
    private void Initialize(Inode inode, Inode owner, uint checksum)
    {
        Timestamp now = Timestamp.OfChange(context);
        inode.Mode = (ushort)((ushort)FileKind.Regular | Permissions);
        inode.UserId = owner.UserId;
        inode.GroupId = owner.GroupId;
        inode.Flags = InodeFlags.XattrValue;
        inode.AccessTime = new Timestamp(unchecked((int)checksum), 0);
        inode.ModificationTime = now;
        inode.BirthTime = now;
        maps.Initialize(inode);
    }

    private Errno Append(Inode inode, ReadOnlySpan<byte> part, int offset, SpaceClaim claim, ref FsBlock last)
    {
        using var block = new BlockAddition(maps, holes, space.Blocks);
        Errno error = block.Prepare(inode, (uint)(offset >> context.Geometry.BlockSizeShift), last, claim);
        Handle handle = null!;
        error = error == Errno.Ok
            ? journal.TryStart(block.Credits + 1 + inodes.StoreCredits, out handle)
            : error;
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            block.Apply(handle);
            using (BlockLease lease = handle.Create(block.Block))
            {
                part.CopyTo(lease.Bytes);
            }
            inode.SizeBytes = offset + part.Length;
            inodes.Store(handle, inode);
            handle.Complete();
        }
        last = block.Block;
        return Errno.Ok;
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Files;

/// <summary>Data of files that goes through the journal, as metadata does: a block's newest contents are in the block
/// cache until they are written home, and after a crash nothing is older than what was changed before it, nor half
/// overwritten.</summary>
/// <remarks>
/// All data of a volume is journaled, or none. So a block that was freed and holds something else now has its newest copy
/// behind all older ones in the log, and replay ends with it: freed data need not be revoked.
/// <para>Data is journaled before the handle that maps it or raises the size over it. Kernel: data=journal,
/// ext4_journalled_write_end.</para>
/// </remarks>
internal sealed class JournaledData(VolumeContext context, Journal journal)
{
    private const int LargestSliceBlocks = 64;

    private readonly int _blockShift = context.Geometry.BlockSizeShift;
    private readonly int _blockSizeBytes = context.Geometry.BlockSizeBytes;
    private readonly int _sliceBlocks = Math.Clamp(journal.MaximumCredits / 4, 1, LargestSliceBlocks);

    /// <summary>Reads data. The caller holds the lock of the file that has the blocks, shared at least.</summary>
    public void Read(long deviceOffset, Span<byte> destination)
    {
        int start = 0;          // of what is on the device alone
        for (int done = 0; done < destination.Length;)
        {
            int count = PartOfBlock(deviceOffset + done, destination.Length - done);
            if (TryCopy(deviceOffset + done, destination.Slice(done, count)))
            {
                ReadDevice(deviceOffset + start, destination[start..done]);
                start = done + count;
            }
            done += count;
        }
        ReadDevice(deviceOffset + start, destination[start..]);
    }

    /// <summary>Changes data in handles of its own. The caller holds the inode's lock exclusively and no handle.</summary>
    /// <param name="inode">Whose blocks.</param>
    /// <param name="deviceOffset">First byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="data">As many, or none for zeros.</param>
    /// <param name="isFresh">The blocks held no data: what is not changed of them becomes zeros.</param>
    /// <exception cref="DeviceException">A block could not be read, or the journal takes no more changes.</exception>
    public void Write(Inode inode, long deviceOffset, int length, ReadOnlySpan<byte> data, bool isFresh)
    {
        for (int done = 0; done < length;)
        {
            long from = deviceOffset + done;
            long sliceEnd = ((from >> _blockShift) + _sliceBlocks) << _blockShift;
            int count = (int)Math.Min(length - done, sliceEnd - from);
            WriteSlice(inode, from, count, data.IsEmpty ? data : data.Slice(done, count), isFresh);
            done += count;
        }
    }

    private void WriteSlice(Inode inode, long from, int length, ReadOnlySpan<byte> data, bool isFresh)
    {
        // What stays of the first and the last block is read before the handle: in there a failure would be the end.
        using BlockLease head = HoldPart(from, length, isFresh, isHead: true);
        using BlockLease tail = HoldPart(from, length, isFresh, isHead: false);
        int blocks = (int)(((from + length - 1) >> _blockShift) - (from >> _blockShift)) + 1;
        Errno error = journal.TryStart(blocks, out Handle handle, forgets: 0);
        if (error != Errno.Ok)
        {
            throw new DeviceException(error, "journaling file data");
        }
        using (handle)
        {
            for (int done = 0; done < length;)
            {
                int count = PartOfBlock(from + done, length - done);
                Change(handle, from + done, count, data.IsEmpty ? data : data.Slice(done, count), isFresh);
                done += count;
            }
            inode.LastTransaction = handle.TransactionId;
            inode.LastDataTransaction = handle.TransactionId;
            handle.Complete();
        }
    }

    private void Change(Handle handle, long from, int length, ReadOnlySpan<byte> data, bool isFresh)
    {
        FsBlock block = BlockOf(from);
        bool isWhole = isFresh || length == _blockSizeBytes;
        using BlockLease lease = isWhole ? handle.Create(block) : handle.Update(block);
        // Anybody may have chosen these bytes: should a damaged image make metadata of them, they are to be checked.
        lease.Frame.IsVerified = false;
        Span<byte> target = lease.Bytes.Slice(OffsetInBlock(from), length);
        if (data.IsEmpty)
        {
            target.Clear();
        }
        else
        {
            data.CopyTo(target);
        }
    }

    /// <summary>The block at one end of a range, if some of its old contents stay; else nothing.</summary>
    private BlockLease HoldPart(long from, int length, bool isFresh, bool isHead)
    {
        long end = from + length;
        bool isPart = isHead ? OffsetInBlock(from) != 0 : OffsetInBlock(end) != 0;
        return isFresh || !isPart ? default : context.Cache.Read(BlockOf(isHead ? from : end - 1));
    }

    private void ReadDevice(long deviceOffset, Span<byte> destination)
    {
        if (!destination.IsEmpty)
        {
            context.Device.Read(deviceOffset, destination);
        }
    }

    private bool TryCopy(long deviceOffset, Span<byte> destination)
    {
        BlockFrame? frame = context.Cache.TryPin(BlockOf(deviceOffset));
        if (frame is null)
        {
            return false;
        }
        bool isThere = frame.IsLoaded;
        if (isThere)
        {
            frame.Bytes.Slice(OffsetInBlock(deviceOffset), destination.Length).CopyTo(destination);
        }
        frame.Unpin();
        return isThere;
    }

    private FsBlock BlockOf(long deviceOffset) => new((ulong)deviceOffset >> _blockShift);

    private int OffsetInBlock(long deviceOffset) => (int)(deviceOffset & (_blockSizeBytes - 1));

    private int PartOfBlock(long from, int length) => Math.Min(length, _blockSizeBytes - OffsetInBlock(from));
}

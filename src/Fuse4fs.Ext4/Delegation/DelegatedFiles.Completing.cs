using Fuse4fs.Ext4.Files;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Mapping;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Delegation;

/// <content>What was written: its blocks hold data from now on, and the file ends behind it.</content>
internal sealed partial class DelegatedFiles
{
    /// <summary>How many stretches of a map are looked at for a size that was told.</summary>
    private const int MostRuns = 4096;

    /// <summary>Data has reached the device.</summary>
    /// <param name="inode">Whose.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes. The file's end is not before the last of them.</param>
    /// <returns>InputOutput when it went where the file has no blocks, NoSpace when the map could not take it, ReadOnly, or
    /// Ok.</returns>
    public Errno Complete(Inode inode, long offset, long length)
    {
        long dataEnd = offset + length;
        ulong end = EndBlock(offset, length);
        Errno error = Errno.Ok;
        for (ulong block = (ulong)offset >> _blockShift; block < end && error == Errno.Ok;)
        {
            maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state);
            DelegatedRun run = maps.Find(inode, state, block, joins: false).From(block).Until(end);
            ulong next = run.End;
            switch (run.Kind)
            {
                case DelegatedKind.Written:
                    break;
                case DelegatedKind.Unwritten when run.IsPlaced:
                    error = EnterPlaced(state!, in run, dataEnd, out next);
                    break;
                case DelegatedKind.Unwritten:
                    error = MarkWritten(inode, block, run.End, dataEnd, out next);
                    if (state is not null && error == Errno.Ok)
                    {
                        Settle(state, block, next);
                    }
                    break;
                default:
                    error = Errno.InputOutput;
                    break;
            }
            block = next;
        }
        if (error == Errno.Ok && dataEnd > inode.SizeBytes)
        {
            error = StoreSize(inode, dataEnd);
        }
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? told))
        {
            if (told.PendingSizeBytes <= inode.SizeBytes)
            {
                told.PendingSizeBytes = 0;
            }
            Trim(told);
        }
        return error;
    }

    /// <summary>Data did not reach the device, and will not be tried again: what was only reserved for it is given back.
    /// Blocks stay, unwritten, also those that are not in the map yet: they were told, and another write may be on its way
    /// there.</summary>
    public void Fail(Inode inode, long offset, long length)
    {
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            (ulong first, ulong end) = ((ulong)offset >> _blockShift, EndBlock(offset, length));
            Unreserve(state, first, end);
            SettleUnplaced(state, first, end);
            // The file does not end behind what is not there; what did arrive is told of by its own completion.
            state.PendingSizeBytes = state.PendingSizeBytes > offset ? 0 : state.PendingSizeBytes;
            Trim(state);
        }
    }

    /// <summary>Stores the size that a writer has told of, as far as data was written to blocks that had some before: of
    /// others the completion tells. Only when no data is on its way: else the size would be there before the data.</summary>
    public Errno StorePendingSize(Inode inode)
    {
        if (!maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            return Errno.Ok;
        }
        long pending = state.PendingSizeBytes;
        long size = pending > inode.SizeBytes ? Math.Min(pending, EndOfData(inode, state, pending)) : 0;
        Errno error = size > inode.SizeBytes ? StoreSize(inode, size) : Errno.Ok;
        if (error == Errno.Ok && pending <= inode.SizeBytes)
        {
            state.PendingSizeBytes = 0;
        }
        Trim(state);
        return error;
    }

    /// <summary>A new size was set: what was told before does not count.</summary>
    public void SizeWasSet(Inode inode, long sizeBytes)
    {
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            state.PendingSizeBytes = 0;
            ReleaseRange(state, CeilingBlock(sizeBytes), ulong.MaxValue);
            Trim(state);
        }
    }

    /// <summary>Whether the file must keep its blocks.</summary>
    public bool IsPinned(Inode inode) =>
        maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state) && state.IsPinned;

    /// <summary>Swapping has ended.</summary>
    public void Unpin(Inode inode)
    {
        if (maps.States.TryGetValue(inode.Number.Value, out DelegatedState? state))
        {
            state.IsPinned = false;
            Trim(state);
        }
    }

    /// <summary>Where the last written block before a limit ends.</summary>
    private long EndOfData(Inode inode, DelegatedState state, long limit)
    {
        ulong end = CeilingBlock(limit);
        if (end > 0 && maps.Find(inode, state, end - 1, joins: false).Kind == DelegatedKind.Written)
        {
            return limit;
        }
        ulong data = 0;
        ulong block = maps.TailBlock(inode);
        for (int i = 0; i < MostRuns && block < end; i++)
        {
            DelegatedRun run = maps.Find(inode, state, block, joins: false);
            data = run.Kind == DelegatedKind.Written ? run.End : data;
            block = run.End;
        }
        return (long)(data << _blockShift);
    }

    private Errno MarkWritten(Inode inode, ulong first, ulong end, long dataEnd, out ulong next)
    {
        next = first;
        MapChange change = WriteServices.Change;
        try
        {
            Errno error = services.Tree.PrepareConvert(inode, (uint)first, end, change);
            Handle handle = null!;
            error = error == Errno.Ok ? services.Journal.TryStart(change.Credits, out handle, change.Forgets) : error;
            if (error != Errno.Ok)
            {
                return error;
            }
            using (handle)
            {
                services.Tree.Convert(handle, change, (uint)first, isUnwritten: false);
                next = change.End;
                Grow(inode, Math.Min(dataEnd, (long)(next << _blockShift)));
                services.Inodes.Store(handle, inode);
                handle.Complete();
                return Errno.Ok;
            }
        }
        finally
        {
            change.Finish();
        }
    }

    /// <summary>Data is in blocks that the map does not have yet: enters them, one block of numbers at a time.</summary>
    private Errno EnterPlaced(DelegatedState state, in DelegatedRun run, long dataEnd, out ulong next)
    {
        next = Math.Min(run.End, services.Maps.InsertLimit(state.Inode, (uint)run.First));
        if (next <= run.First || !state.Placed.TryTake(run.First, next, out PlacedRun placed))
        {
            return Errno.FileTooBig;
        }
        Errno error = Errno.InputOutput;        // also of whatever is thrown
        try
        {
            error = Enter(state.Inode, placed.FirstFileBlock, placed.Blocks, isUnwritten: false,
                Math.Min(dataEnd, (long)(next << _blockShift)));
        }
        finally
        {
            if (error != Errno.Ok)
            {
                state.Placed.Add(in placed);
            }
        }
        if (error == Errno.Ok)
        {
            Settle(state, placed.FirstFileBlock, placed.EndFileBlock);
        }
        return error;
    }

    private Errno StoreSize(Inode inode, long sizeBytes)
    {
        Errno error = services.Journal.TryStart(services.Inodes.StoreCredits, out Handle handle);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (handle)
        {
            Grow(inode, sizeBytes);
            services.Inodes.Store(handle, inode);
            handle.Complete();
            return Errno.Ok;
        }
    }
}

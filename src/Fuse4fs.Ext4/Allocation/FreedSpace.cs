using System.Runtime.InteropServices;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Allocation;

/// <summary>Freed blocks and inodes on their way back: they wait until the transaction that freed them is durable, then
/// until every request has ended that may have looked up the old mapping, are discarded if that was asked for, and are
/// free.</summary>
/// <remarks>Additions come from handles; <see cref="OnDurable"/> from the commit thread; returning is done by the
/// background thread.</remarks>
public sealed class FreedSpace
{
    private readonly VolumeContext _context;
    private readonly Lock _gate = new();
    private readonly List<FreedBatch> _open = [];
    private readonly Queue<FreedBatch> _durable = new();
    private readonly object _finished = new();
    private long _finishedBatches;
    private long _startedBatches;

    internal FreedSpace(VolumeContext context) => _context = context;

    /// <summary>Requests in flight; the server enters and leaves it.</summary>
    public RequestEpoch Epoch { get; } = new();

    /// <summary>Tell the device of blocks that became unused (mount option discard).</summary>
    public bool DiscardsFreed { get; set; }

    /// <summary>Raised when something may be ready to return; must not block.</summary>
    internal Action? Ready { get; set; }

    internal BlockAllocator? Blocks { get; set; }

    internal InodeAllocator? Inodes { get; set; }

    /// <summary>True while durable batches wait for requests in flight.</summary>
    internal bool IsWaiting
    {
        get
        {
            lock (_gate)
            {
                return _durable.Count > 0;
            }
        }
    }

    /// <summary>Frees more by waiting: commits what is running and waits until all that was freed before has come back.
    /// </summary>
    /// <param name="journal">To commit.</param>
    /// <param name="slot">The caller's own place in <see cref="Epoch"/>, which it leaves while it waits; null for
    /// none.</param>
    /// <param name="timeout">Gives up after this.</param>
    /// <returns>True when there was something to wait for: it is worth trying again.</returns>
    /// <remarks>Called with no lock of any kind, inode locks included: requests that wait for them could not
    /// end.</remarks>
    public bool TryReclaim(Journal journal, RequestEpoch.Slot? slot, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(journal);
        long target;
        uint newest = 0;
        lock (_gate)
        {
            target = _startedBatches;
            newest = _open.Count > 0 ? _open[^1].TransactionId : 0;
        }
        if (target == Volatile.Read(ref _finishedBatches))
        {
            return false;
        }
        slot?.Leave();
        try
        {
            if (newest != 0)
            {
                journal.CommitAndWait(newest);
            }
            return WaitForBatches(target, timeout);
        }
        finally
        {
            slot?.Enter();
        }
    }

    internal void Add(Handle handle, GroupPart part)
    {
        lock (_gate)
        {
            List<GroupPart> parts = BatchOf(handle).Blocks;
            GroupPart last = parts.Count > 0 ? parts[^1] : default;
            if (last.Length > 0 && last.Group == part.Group && last.Start + last.Length == part.Start)
            {
                parts[^1] = last with { Length = last.Length + part.Length };
            }
            else
            {
                parts.Add(part);
            }
        }
    }

    internal void Add(Handle handle, InodeNumber inode)
    {
        lock (_gate)
        {
            BatchOf(handle).Inodes.Add(inode);
        }
    }

    /// <summary>On the commit thread: what a transaction freed is free on disk for good.</summary>
    internal void OnDurable(FreedBatch batch)
    {
        lock (_gate)
        {
            _open.Remove(batch);
            batch.EpochMark = Epoch.Mark();
            _durable.Enqueue(batch);
        }
        Ready?.Invoke();
    }

    /// <summary>Returns every batch whose time has come.</summary>
    internal void Drain()
    {
        while (TryTake() is FreedBatch batch)
        {
            if (DiscardsFreed)
            {
                Discard(batch);
            }
            foreach (GroupPart part in batch.Blocks)
            {
                Blocks!.Return(part);
            }
            foreach (InodeNumber inode in batch.Inodes)
            {
                Inodes!.Return(inode);
            }
            lock (_finished)
            {
                _finishedBatches++;
                Monitor.PulseAll(_finished);
            }
        }
    }

    private FreedBatch? TryTake()
    {
        lock (_gate)
        {
            return _durable.TryPeek(out FreedBatch? batch) && Epoch.HasPassed(batch.EpochMark)
                ? _durable.Dequeue()
                : null;
        }
    }

    private bool WaitForBatches(long target, TimeSpan timeout)
    {
        long start = _context.Clock.GetTimestamp();
        lock (_finished)
        {
            while (_finishedBatches < target)
            {
                TimeSpan left = timeout - _context.Clock.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_finished, left))
                {
                    return false;
                }
            }
            return true;
        }
    }

    /// <summary>Under the gate.</summary>
    private FreedBatch BatchOf(Handle handle)
    {
        foreach (FreedBatch open in CollectionsMarshal.AsSpan(_open))
        {
            if (open.TransactionId == handle.TransactionId)
            {
                return open;
            }
        }
        var batch = new FreedBatch(this, handle.TransactionId);
        _open.Add(batch);
        _startedBatches++;
        handle.AtCommit(batch);
        return batch;
    }

    private void Discard(FreedBatch batch)
    {
        batch.Blocks.Sort((left, right) => (left.Group.Value, left.Start).CompareTo((right.Group.Value, right.Start)));
        BlockRun pending = default;
        foreach (GroupPart part in batch.Blocks)
        {
            BlockRun run = Blocks!.RunOf(part);
            if (pending.End == run.Start && !pending.IsEmpty && pending.LengthBlocks < uint.MaxValue / 2)
            {
                pending = pending with { LengthBlocks = pending.LengthBlocks + run.LengthBlocks };
                continue;
            }
            Discard(pending);
            pending = run;
        }
        Discard(pending);
    }

    private void Discard(BlockRun run)
    {
        if (run.IsEmpty)
        {
            return;
        }
        try
        {
            int shift = _context.Geometry.BlockSizeShift;
            _context.Device.Discard((long)run.Start.Value << shift, (long)run.LengthBlocks << shift);
        }
        catch (DeviceException failure)
        {
            // Advice only: the blocks are free all the same.
            _context.Events.Warning($"discarding blocks {run} failed: {failure.Message}");
        }
    }
}

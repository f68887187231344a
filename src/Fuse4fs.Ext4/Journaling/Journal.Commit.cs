using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>The commit thread.</content>
public sealed partial class Journal
{
    private enum CommitWork
    {
        Stop,
        Commit,
        FlushData,
        RecordAbort,
        TellWaiters,
    }

    private void RunCommits()
    {
        for (CommitWork work = NextCommitWork(); work != CommitWork.Stop; work = NextCommitWork())
        {
            try
            {
                switch (work)
                {
                    case CommitWork.Commit:
                        Commit();
                        break;
                    case CommitWork.FlushData:
                        FlushData(Flush);
                        CompleteWaiters();
                        break;
                    case CommitWork.TellWaiters:
                        CompleteWaiters();
                        break;
                    default:
                        RecordAbort();
                        break;
                }
            }
            catch (Exception failure)   // whatever it was: nobody may wait for a thread that died
            {
                AbortFrom(failure);
            }
        }
    }

    private CommitWork NextCommitWork()
    {
        using (_gate.Enter())
        {
            while (true)
            {
                if (_abort != Errno.Ok)
                {
                    // Nothing is written while the volume stands still, not even this.
                    TimeSpan untilErrors = _isFrozen ? Timeout.InfiniteTimeSpan : TimeUntilErrors();
                    if (!_isFrozen && (!_isAbortRecorded || untilErrors == TimeSpan.Zero))
                    {
                        return CommitWork.RecordAbort;
                    }
                    if (_waiters.Count > 0)
                    {
                        return CommitWork.TellWaiters;      // whatever kept them from being told with the abort
                    }
                    if (_isStopping)
                    {
                        return CommitWork.Stop;
                    }
                    _gate.Wait(untilErrors);
                    continue;
                }
                TimeSpan untilCommit = TimeUntilCommit();
                if (untilCommit == TimeSpan.Zero)
                {
                    return CommitWork.Commit;
                }
                if (_flushRequest > _flushesDone)
                {
                    return CommitWork.FlushData;
                }
                if (_isStopping)
                {
                    return CommitWork.Stop;
                }
                _gate.Wait(untilCommit);
            }
        }
    }

    /// <summary>Zero when there is something to commit now; infinite when nothing is running.</summary>
    private TimeSpan TimeUntilCommit()
    {
        if (_isFrozen)
        {
            return Timeout.InfiniteTimeSpan;
        }
        if (_running is null && (_isSuperblockWanted || _pendingErrors is not null) && CanOpen())
        {
            OpenTransaction();
        }
        if (_running is null)
        {
            return Timeout.InfiniteTimeSpan;
        }
        bool isWanted = !TransactionId.IsAfter(_running.Id, _commitRequest) || _isStopping
            || _isSuperblockWanted || TimeUntilErrors() == TimeSpan.Zero;
        if (isWanted)
        {
            return TimeSpan.Zero;
        }
        TimeSpan left = _options.CommitInterval - _context.Clock.GetElapsedTime(_running.OpenedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private void Commit()
    {
        Transaction transaction = LockRunning();
        JoinSuperblock(transaction);
        if (transaction.IsEmpty && transaction.Actions.Count == 0 && ReopenWhenIdle(transaction))
        {
            return;
        }
        Copy(transaction);
        LogTail? tail = Write(transaction);
        File(transaction, tail);
        RunActions(transaction);
        using (_gate.Enter())
        {
            _lastCommitted = transaction.Id;
            _commits++;
            _committingErrors = null;
            TellAll();
        }
        CompleteWaiters();
    }

    /// <summary>Closes the running transaction to new handles and waits for those it has.</summary>
    private Transaction LockRunning()
    {
        using (_gate.Enter())
        {
            Transaction transaction = _running!;
            transaction.IsLocked = true;
            while (transaction.HandleCount > 0)
            {
                _gate.Wait();
            }
            ThrowIfAborted();
            return transaction;
        }
    }

    /// <summary>A transaction that changed nothing stays open, unless somebody waits for it.</summary>
    private bool ReopenWhenIdle(Transaction transaction)
    {
        using (_gate.Enter())
        {
            if (!TransactionId.IsAfter(transaction.Id, _commitRequest))
            {
                return false;
            }
            if (_isStopping)
            {
                _running = null;
                _nextId = transaction.Id;
            }
            else
            {
                _running = new Transaction(transaction.Id, _context.Clock.GetTimestamp());
            }
            TellAll();
            return true;
        }
    }

    /// <summary>Copies the blocks; no handle is open, so nobody writes to them. Then the next transaction may
    /// start.</summary>
    private void Copy(Transaction transaction)
    {
        int count = transaction.Blocks.Count(block => !block.IsForgotten);
        var image = new TransactionImage(
            _geometry, Cache.BlockSizeBytes, transaction.Id, count, transaction.Revokes.Count, _buffers);
        int slot = 0;
        foreach (JournalBlock block in transaction.Blocks)
        {
            if (!block.IsForgotten)
            {
                block.CommittingSlot = slot;
                image.Put(slot++, block.Frame.Block, block.Frame.Bytes);
            }
        }
        transaction.Image = image;
        using (_gate.Enter())
        {
            foreach (JournalBlock block in transaction.Blocks)
            {
                block.Running = null;
                if (block.IsForgotten)
                {
                    block.IsForgotten = false;
                    transaction.Forgotten.Add(block);
                }
                else
                {
                    block.Committing = transaction;
                }
            }
            transaction.LogStart = _space?.Take((uint)image.LengthBlocks) ?? 0;
            _committing = transaction;
            _running = null;
            TellAll();
        }
    }

    /// <summary>Makes the transaction durable.</summary>
    /// <returns>A tail that is durable as well from now on.</returns>
    private LogTail? Write(Transaction transaction)
    {
        TransactionImage image = transaction.Image!;
        if (_source is null)
        {
            WriteHome(image);
            FlushData(Flush);
            return null;
        }
        image.Seal(transaction.Revokes, _context.Clock.GetUtcNow());
        _superblockWriter!.WriteFirstTail(new LogTail(transaction.Id, transaction.LogStart));
        WriteToLog(transaction.LogStart, image.Body);
        LogTail tail = default;
        FlushData(() =>
        {
            tail = TailCandidate();
            if (!_options.Faults.SkipFlushBeforeCommit)
            {
                Flush();
            }
        });
        _superblockWriter.WriteTail(tail);
        uint commitBlock = _geometry!.Advance(transaction.LogStart, (uint)image.LengthBlocks - 1);
        WriteToLog(commitBlock, image.Commit);
        if (!_options.Faults.SkipFlushAfterCommit)
        {
            _source.Log.Device.Flush();
        }
        image.Unescape();
        return tail;
    }

    private void WriteToLog(uint logBlock, ReadOnlySpan<byte> bytes)
    {
        uint untilEnd = _geometry!.EndBlock - logBlock;
        int first = (int)Math.Min(bytes.Length, (long)untilEnd * Cache.BlockSizeBytes);
        _source!.Log.Write(logBlock, bytes[..first]);
        if (first < bytes.Length)
        {
            _source.Log.Write(_geometry.FirstBlock, bytes[first..]);
        }
    }

    /// <summary>Flushes the file system's device, and the log's when that is another.</summary>
    private void Flush()
    {
        _context.Device.Flush();
        if (_source is { Log.IsExternal: true })
        {
            _source.Log.Device.Flush();
        }
    }

    /// <summary>Runs a flush of the file system's device in between the marks that make data tickets work.</summary>
    private void FlushData(Action flush)
    {
        long number;
        using (_gate.Enter())
        {
            number = ++_flushesBegun;
        }
        flush();
        using (_gate.Enter())
        {
            _flushesDone = number;
            TellAll();
        }
    }

    /// <summary>The transaction is durable: its copies replace older ones on the checkpoint list, freed blocks leave
    /// it.</summary>
    private void File(Transaction transaction, LogTail? tail)
    {
        using (_gate.Enter())
        {
            foreach (JournalBlock block in transaction.Blocks)
            {
                if (block.Committing == transaction)
                {
                    block.Committing = null;
                    block.Checkpoint?.RemoveCheckpoint(block);
                    if (_source is not null)
                    {
                        transaction.AddCheckpoint(block, block.CommittingSlot);
                    }
                    Release(block);
                }
            }
            foreach (JournalBlock block in transaction.Forgotten)
            {
                DropForgotten(block);
            }
            transaction.CommittedAt = _context.Clock.GetTimestamp();
            _backlogBytes += SizeOf(transaction);
            _backlog.Enqueue(transaction);
            _committing = null;
            if (tail is { } durable)
            {
                _space!.MoveTail(durable);
            }
            ReleaseFinished();
            TellAll();
        }
    }

    private long SizeOf(Transaction transaction) =>
        _source is null ? 0 : (long)transaction.Image!.LengthBlocks * Cache.BlockSizeBytes;

    /// <summary>Waits for a home write under way: after this the block may belong to somebody else.</summary>
    private void DropForgotten(JournalBlock block)
    {
        if (_options.Faults.KeepFreedOnCheckpointList)
        {
            Release(block);
            return;
        }
        while (block.IsBeingWritten)
        {
            _gate.Wait();
        }
        block.Checkpoint?.RemoveCheckpoint(block);
        if (block.IsIdle)
        {
            FsBlock freed = block.Frame.Block;
            Release(block);
            Cache.Forget(freed);
        }
    }

    /// <summary>Gives the frame back to the cache when the journal has no more interest in it.</summary>
    private static void Release(JournalBlock block)
    {
        if (block.IsIdle && block.IsPinned)
        {
            block.IsPinned = false;
            block.Frame.Unpin();
        }
    }

    private static void RunActions(Transaction transaction)
    {
        foreach (ICommitAction action in transaction.Actions)
        {
            action.TransactionEnded(isDurable: true);
        }
        transaction.Actions.Clear();
    }

    private void CompleteWaiters()
    {
        while (true)
        {
            ICommitWaiter waiter;
            Errno outcome;
            using (_gate.Enter())
            {
                int index = _waiters.FindIndex(
                    one => _abort != Errno.Ok || IsDurable(one.TransactionId, one.DataTicket));
                if (index < 0)
                {
                    return;
                }
                DurabilityWaiter found = _waiters[index];
                outcome = IsDurable(found.TransactionId, found.DataTicket) ? Errno.Ok : Errno.InputOutput;
                waiter = found.Waiter;
                _waiters.RemoveAt(index);
            }
            Tell(waiter, outcome);
        }
    }

    /// <summary>What a waiter does with the news is not the journal's affair: its failure is reported, no
    /// more.</summary>
    private void Tell(ICommitWaiter waiter, Errno outcome)
    {
        try
        {
            waiter.Committed(outcome);
        }
        catch (Exception failure)
        {
            _context.Events.Warning($"telling of a commit failed: {failure}");
        }
    }
}

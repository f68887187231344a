using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>The thread that writes committed blocks home and moves the tail of the log.</content>
public sealed partial class Journal
{
    /// <summary>Pieces of one vectored write.</summary>
    private const int VectorLength = 256;

    private readonly List<HomeWrite> _batch = [];
    private bool _isWritingHome;
    private bool _isCheckpointWanted;

    /// <summary>How long the thread means to sleep; zero while it is awake.</summary>
    private TimeSpan _checkpointSleep;

    private void RunCheckpoints()
    {
        while (WaitForCheckpointWork())
        {
            try
            {
                if (_options.Faults.MoveTailEarly)
                {
                    MoveTail(TailWithoutBacklog());
                }
                WriteBatch();
                MoveTail();
            }
            catch (Exception failure)   // whatever it was: nobody may wait for a thread that died
            {
                AbortFrom(failure);
            }
        }
    }

    private bool WaitForCheckpointWork()
    {
        using (_gate.Enter())
        {
            while (true)
            {
                if (_isCheckpointStopping || _abort != Errno.Ok)
                {
                    return false;
                }
                TimeSpan left = TimeUntilCheckpoint();
                if (left == TimeSpan.Zero)
                {
                    return true;
                }
                _checkpointSleep = left;
                _gate.WaitApart(left);
                _checkpointSleep = TimeSpan.Zero;
            }
        }
    }

    /// <summary>The state changed, under the gate: everybody looks again. The thread that writes home does so only when
    /// it has something to do, or to wait for: a commit tells of many changes, and each would wake it.</summary>
    private void TellAll()
    {
        _gate.PulseAll();
        if (_checkpointSleep == TimeSpan.Zero)
        {
            return;
        }
        TimeSpan left = _isCheckpointStopping || _abort != Errno.Ok ? TimeSpan.Zero : TimeUntilCheckpoint();
        if (left == TimeSpan.Zero
            || (_checkpointSleep == Timeout.InfiniteTimeSpan && left != Timeout.InfiniteTimeSpan))
        {
            _checkpointSleep = TimeSpan.Zero;
            _gate.PulseApart();
        }
    }

    private TimeSpan TimeUntilCheckpoint()
    {
        if (_isFrozen && !_isCheckpointWanted)
        {
            return Timeout.InfiniteTimeSpan;
        }
        bool isTailBehind = _space!.Tail != TailCandidateLocked();
        if (_backlog.Count == 0 && !isTailBehind)
        {
            return Timeout.InfiniteTimeSpan;
        }
        if (_isCheckpointWanted || _spaceWaiters > 0 || _homeWaiters > 0 || _space.UsedBlocks > _geometry!.LogBlocks / 2
            || _backlogBytes > _options.BacklogBytes / 2)
        {
            return TimeSpan.Zero;
        }
        if (_backlog.Count == 0)
        {
            return Timeout.InfiniteTimeSpan;
        }
        TimeSpan left = _options.CheckpointAge - _context.Clock.GetElapsedTime(_backlog.Peek().CommittedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Writes the newest committed copy of every block of the backlog.</summary>
    private void WriteBatch()
    {
        using (_gate.Enter())
        {
            _batch.Clear();
            foreach (Transaction transaction in _backlog)
            {
                for (JournalBlock? block = transaction.CheckpointHead; block is not null; block = block.Next)
                {
                    block.IsBeingWritten = true;
                    _batch.Add(new HomeWrite(block, transaction, block.CheckpointSlot));
                }
            }
            _isWritingHome = true;
        }
        try
        {
            _batch.Sort(static (left, right) => left.Home.CompareTo(right.Home));
            WriteHome(_batch.Count, index => (_batch[index].Home, _batch[index].Copy));
        }
        catch
        {
            EndBatch(isWritten: false);
            throw;
        }
        EndBatch(isWritten: true);
    }

    private void EndBatch(bool isWritten)
    {
        using (_gate.Enter())
        {
            foreach (HomeWrite write in _batch)
            {
                write.Block.IsBeingWritten = false;
                bool isNewest = write.Block.Checkpoint == write.Transaction;
                if (isWritten && isNewest)
                {
                    write.Transaction.RemoveCheckpoint(write.Block);
                    Release(write.Block);
                }
            }
            _batch.Clear();
            _isWritingHome = false;
            ReleaseFinished();
            TellAll();
        }
    }

    /// <summary>Lets go of the oldest transactions whose blocks are all at home. Their memory is in use while a batch
    /// is being written from it.</summary>
    private void ReleaseFinished()
    {
        while (!_isWritingHome && _backlog.TryPeek(out Transaction? oldest) && oldest.CheckpointCount == 0)
        {
            _backlog.Dequeue();
            _backlogBytes -= SizeOf(oldest);
            _buffers.Return(oldest.Image!.Buffer);
            oldest.Image = null;
        }
    }

    private LogTail TailCandidate()
    {
        using (_gate.Enter())
        {
            return TailCandidateLocked();
        }
    }

    /// <summary>The first transaction that is not completely at home, or the end of the log. What was written home
    /// before this call and is flushed after it needs the log no longer.</summary>
    private LogTail TailCandidateLocked()
    {
        foreach (Transaction transaction in _backlog)
        {
            if (transaction.CheckpointCount > 0)
            {
                return new LogTail(transaction.Id, transaction.LogStart);
            }
        }
        return TailWithoutBacklogLocked();
    }

    private LogTail TailWithoutBacklog()
    {
        using (_gate.Enter())
        {
            return TailWithoutBacklogLocked();
        }
    }

    private LogTail TailWithoutBacklogLocked() => _committing is { } committing
        ? new LogTail(committing.Id, committing.LogStart)
        : new LogTail(_running?.Id ?? _nextId, _space!.Head);

    private void MoveTail() => MoveTail(TailCandidate());

    /// <summary>Home writes done -> flush -> new tail -> flush: only then the log's space is free.</summary>
    private void MoveTail(LogTail tail)
    {
        if (!_options.Faults.SkipFlushBeforeTail)
        {
            _context.Device.Flush();
        }
        _superblockWriter!.WriteTail(tail);
        _source!.Log.Device.Flush();
        using (_gate.Enter())
        {
            _space!.MoveTail(tail);
            TellAll();
        }
    }

    private void WriteHome(TransactionImage image)
    {
        int count = image.CopyCount;
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
        {
            order[i] = i;
        }
        Array.Sort(order, (left, right) => image.Home(left).CompareTo(image.Home(right)));
        WriteHome(count, index => (image.Home(order[index]), image.Copy(order[index])));
    }

    /// <summary>Writes blocks in ascending order, neighbours together.</summary>
    private void WriteHome(int count, Func<int, (FsBlock Home, ReadOnlyMemory<byte> Copy)> at)
    {
        var vector = new ReadOnlyMemory<byte>[Math.Min(count, VectorLength)];
        int used = 0;
        FsBlock first = default;
        for (int i = 0; i < count; i++)
        {
            (FsBlock home, ReadOnlyMemory<byte> copy) = at(i);
            if (used > 0 && (used == VectorLength || home != first + (ulong)used))
            {
                _context.Device.WriteVectored(OffsetOf(first), vector.AsSpan(0, used));
                used = 0;
            }
            first = used == 0 ? home : first;
            vector[used++] = copy;
        }
        if (used > 0)
        {
            _context.Device.WriteVectored(OffsetOf(first), vector.AsSpan(0, used));
        }
    }

    private long OffsetOf(FsBlock block) => checked((long)block.Value * Cache.BlockSizeBytes);

    /// <summary>One block on its way home.</summary>
    private readonly record struct HomeWrite(JournalBlock Block, Transaction Transaction, int Slot)
    {
        public FsBlock Home => Transaction.Image!.Home(Slot);

        public ReadOnlyMemory<byte> Copy => Transaction.Image!.Copy(Slot);
    }
}

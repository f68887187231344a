using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Beginning, using and ending handles.</content>
public sealed partial class Journal
{
    private long _creditOverruns;

    /// <summary>Begins an operation. Waits while the log or the running transaction has no room, so the caller holds at
    /// most inode locks.</summary>
    /// <param name="creditBlocks">Most blocks it will add to the transaction.</param>
    /// <param name="handle">To be completed, then disposed; see <see cref="Handle.Complete"/>.</param>
    /// <param name="forgets">Most journaled blocks it will free.</param>
    /// <returns>Ok; ReadOnly when the journal was aborted or the volume is read-only; NoSpace when no transaction can
    /// ever hold so much.</returns>
    public Errno TryStart(int creditBlocks, out Handle handle, int forgets = TransactionLimits.DefaultForgets)
    {
        handle = null!;
        if (creditBlocks > MaximumCredits || forgets > _limits.Revokes)
        {
            return Errno.NoSpace;
        }
        if (Handle.IsOpenHere)
        {
            throw new InvalidOperationException("this thread has a handle open: it would wait for itself");
        }
        using (_gate.Enter())
        {
            Errno error = WaitForRoom(creditBlocks, forgets, out Transaction? transaction);
            if (error != Errno.Ok)
            {
                return error;
            }
            transaction!.HandleCount++;
            transaction.ReservedBlocks += creditBlocks;
            transaction.ReservedRevokes += forgets;
            handle = _freeHandles ?? new Handle(this);
            _freeHandles = handle.NextFree;
            handle.NextFree = null;
            handle.Open(transaction, creditBlocks, forgets);
            return Errno.Ok;
        }
    }

    internal void End(Handle handle, Transaction transaction)
    {
        using (_gate.Enter())
        {
            transaction.ReservedBlocks -= handle.CreditsLeft;
            transaction.ReservedRevokes -= handle.ForgetsLeft;
            handle.NextFree = _freeHandles;
            _freeHandles = handle;
            if (--transaction.HandleCount == 0 && transaction.IsLocked)
            {
                TellAll();
            }
        }
    }

    internal bool TryExtend(Handle handle, int creditBlocks)
    {
        using (_gate.Enter())
        {
            Transaction transaction = handle.Transaction;
            if (_abort != Errno.Ok || !HasRoom(transaction, creditBlocks, 0))
            {
                return false;
            }
            transaction.ReservedBlocks += creditBlocks;
            handle.CreditsLeft += creditBlocks;
            return true;
        }
    }

    internal void AddAction(Transaction transaction, ICommitAction action)
    {
        using (_gate.Enter())
        {
            transaction.Actions.Add(action);
        }
    }

    /// <summary>Puts a block into the handle's transaction.</summary>
    internal void Join(Handle handle, BlockFrame frame)
    {
        using (_gate.Enter())
        {
            Transaction transaction = handle.Transaction;
            JournalBlock state = StateOf(frame);
            if (state.IsForgotten)
            {
                state.IsForgotten = false;      // allocated again in the transaction that freed it
            }
            else if (state.Running is null)
            {
                Add(transaction, state);
                TakeCredit(handle, transaction);
            }
            transaction.Revokes.Remove(frame.Block);
        }
    }

    internal void Forget(Handle handle, FsBlock block)
    {
        BlockFrame? frame = Cache.TryPin(block);
        try
        {
            using (_gate.Enter())
            {
                Transaction transaction = handle.Transaction;
                if (_geometry is not null && !_options.Faults.DropRevokes && transaction.Revokes.Add(block))
                {
                    TakeForget(handle, transaction);
                }
                if (frame is not null)
                {
                    JournalBlock state = StateOf(frame);
                    if (state.Running is null)
                    {
                        Add(transaction, state);
                    }
                    state.IsForgotten = true;
                }
            }
        }
        finally
        {
            frame?.Unpin();
        }
    }

    private static void Add(Transaction transaction, JournalBlock state)
    {
        state.Running = transaction;
        transaction.Blocks.Add(state);
        if (!state.IsPinned)
        {
            state.Frame.AddPin();
            state.IsPinned = true;
        }
    }

    private static JournalBlock StateOf(BlockFrame frame)
    {
        if (frame.JournalState is JournalBlock known)
        {
            return known;
        }
        var state = new JournalBlock(frame);
        frame.JournalState = state;
        return state;
    }

    /// <summary>A handle over its credits is a bug of its caller; it does harm only when the transaction is
    /// full.</summary>
    private void TakeCredit(Handle handle, Transaction transaction)
    {
        if (handle.CreditsLeft > 0)
        {
            handle.CreditsLeft--;
            transaction.ReservedBlocks--;
            return;
        }
        _creditOverruns++;
        if (transaction.Blocks.Count + transaction.ReservedBlocks > _limits.Blocks)
        {
            throw new InvalidOperationException("the handle has no credits left and the transaction is full");
        }
    }

    private void TakeForget(Handle handle, Transaction transaction)
    {
        if (handle.ForgetsLeft > 0)
        {
            handle.ForgetsLeft--;
            transaction.ReservedRevokes--;
            return;
        }
        _creditOverruns++;
        if (transaction.Revokes.Count + transaction.ReservedRevokes > _limits.Revokes)
        {
            throw new InvalidOperationException("the handle may forget no more and the transaction is full");
        }
    }

    private bool HasRoom(Transaction transaction, int blocks, int forgets) =>
        transaction.Blocks.Count + transaction.ReservedBlocks + blocks <= _limits.Blocks
        && transaction.Revokes.Count + transaction.ReservedRevokes + forgets <= _limits.Revokes;

    private Errno WaitForRoom(int blocks, int forgets, out Transaction? transaction)
    {
        while (true)
        {
            transaction = _running;
            if (_abort != Errno.Ok || _isStopping || _context.IsReadOnly)
            {
                return Errno.ReadOnly;
            }
            if (_isFreezing)
            {
                _gate.Wait();
                continue;
            }
            if (transaction is null && CanOpen())
            {
                transaction = OpenTransaction();
            }
            if (transaction is { IsLocked: false })
            {
                if (HasRoom(transaction, blocks, forgets))
                {
                    return Errno.Ok;
                }
                Request(transaction.Id, -1);
            }
            WaitForSpace(isSpaceShort: transaction is null);
        }
    }

    private void WaitForSpace(bool isSpaceShort)
    {
        if (!isSpaceShort)
        {
            _gate.Wait();
            return;
        }
        if (_spaceWaiters++ == 0)
        {
            TellAll();
        }
        _gate.Wait();
        _spaceWaiters--;
    }

    /// <summary>Whether the log and the memory bound leave room for the largest transaction.</summary>
    private bool CanOpen() =>
        _space is null || (_space.FreeBlocks >= _limits.LogBlocks && _backlogBytes < _options.BacklogBytes);

    private Transaction OpenTransaction()
    {
        _running = new Transaction(_nextId, _context.Clock.GetTimestamp());
        _nextId = TransactionId.Next(_nextId);
        TellAll();
        return _running;
    }
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>One operation's changes: all of them become durable in one transaction, or none. The only way to change
/// metadata. <see cref="Complete"/> it when all is changed, then dispose it; it is pooled and must not be touched
/// afterwards.</summary>
/// <remarks>
/// <para>There is no rollback: everything that can fail is done before. A handle that is disposed without having been
/// completed, because an exception passes or because somebody gave up half-way, aborts the journal before anything else
/// can happen: half an operation is never committed. So does a failed read in here.</para>
/// <para>Belongs to the thread that began it. While it is open the thread waits for no inode, no commit and not for
/// the kernel.</para>
/// </remarks>
public sealed class Handle : IDisposable
{
    [ThreadStatic]
    private static Handle? s_open;

    private readonly Journal _journal;
    private Transaction? _transaction;
    private bool _isComplete;

    internal Handle(Journal journal) => _journal = journal;

    /// <summary>The transaction that holds the changes; what fsync waits for.</summary>
    public uint TransactionId => Transaction.Id;

    /// <summary>Blocks that may still be added to the transaction.</summary>
    public int CreditsLeft { get; internal set; }

    /// <summary>Journaled blocks that may still be forgotten.</summary>
    public int ForgetsLeft { get; internal set; }

    /// <summary>Next in the pool.</summary>
    internal Handle? NextFree { get; set; }

    internal Transaction Transaction => _transaction ?? throw new ObjectDisposedException(nameof(Handle));

    /// <summary>Holds a block to be changed; it joins the transaction.</summary>
    /// <exception cref="DeviceException">It was not cached and could not be read; the journal is aborted.</exception>
    /// <exception cref="Ext4CorruptException">The number is outside the volume; the journal is aborted.</exception>
    public BlockLease Update(FsBlock block)
    {
        try
        {
            BlockLease lease = _journal.Cache.Read(block);
            Join(lease.Frame);
            return lease;
        }
        catch (Exception cause)
        {
            _journal.AbortFrom(cause);
            throw;
        }
    }

    /// <summary>Holds a freshly allocated metadata block, all zeros. Nothing is read; a pending revoke is
    /// cancelled.</summary>
    public BlockLease Create(FsBlock block)
    {
        BlockLease lease = _journal.Cache.Zeroed(block);
        Join(lease.Frame);
        return lease;
    }

    /// <summary>Tells that a metadata block was freed: it is not written any more, and replay must not bring an older
    /// copy back.</summary>
    public void Forget(FsBlock block) => _journal.Forget(this, block);

    /// <summary>Registers something to do when this transaction is durable.</summary>
    public void AtCommit(ICommitAction action) => _journal.AddAction(Transaction, action);

    /// <summary>Asks for more credits. Never waits.</summary>
    /// <returns>False when the transaction has no room: end this handle and begin another.</returns>
    public bool TryExtend(int creditBlocks) => _journal.TryExtend(this, creditBlocks);

    /// <summary>Everything is changed that belongs together: from now on it may be committed. The last statement before
    /// the handle is disposed.</summary>
    public void Complete() => _isComplete = true;

    /// <summary>Ends the operation. The journal is aborted when it was not completed.</summary>
    public void Dispose()
    {
        if (_transaction is not null)
        {
            Transaction ended = _transaction;
            if (!_isComplete)
            {
                // While the handle still counts: its transaction cannot be committed before the abort is known.
                _journal.AbortFrom(new InvalidOperationException("an operation ended in the middle of its changes"));
            }
            _transaction = null;
            s_open = null;
            _journal.End(this, ended);
        }
    }

    internal void Open(Transaction transaction, int credits, int forgets)
    {
        _transaction = transaction;
        CreditsLeft = credits;
        ForgetsLeft = forgets;
        _isComplete = false;
        s_open = this;
    }

    /// <summary>Whether this thread has a handle open already, which would make it wait for itself.</summary>
    internal static bool IsOpenHere => s_open is not null;

    private void Join(BlockFrame frame)
    {
        if (frame.JournalState is not JournalBlock state || !state.BelongsTo(Transaction))
        {
            _journal.Join(this, frame);
        }
    }
}

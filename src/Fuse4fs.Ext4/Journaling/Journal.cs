using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <summary>The only way to change metadata: groups the changes of many handles into transactions, makes each durable
/// as a whole, and writes the blocks home later. On a volume without a journal the same types write home at once,
/// as well ordered as that goes.</summary>
/// <remarks>
/// <para>Life of a transaction: <em>running</em> (takes handles) -> locked (its last handles end) -> copied, from when
/// on the next one runs -> <em>committing</em> (written, flushed, commit block, flushed) -> durable: its actions run,
/// its waiters go on, its blocks stand on the checkpoint list -> written home -> flushed -> the tail moves past
/// it.</para>
/// <para>Two threads: one commits, one writes home. Both take only what stands below the handle in the lock order.
/// All state is guarded by one gate, which is never held across I/O. Files: Journal (state, waiting), .Handles,
/// .Commit, .Checkpoint, .Lifetime.</para>
/// <para>Docs: ext4/journal. Kernel: fs/jbd2.</para>
/// </remarks>
public sealed partial class Journal : IDisposable
{
    private const string CommitThreadName = "fuse4fs-commit";
    private const string CheckpointThreadName = "fuse4fs-home";

    private readonly VolumeContext _context;
    private readonly JournalOptions _options;
    private readonly JournalGate _gate;
    private readonly JournalSource? _source;
    private readonly JournalGeometry? _geometry;
    private readonly JournalSuperblockWriter? _superblockWriter;
    private readonly TransactionLimits _limits;
    private readonly SuperblockHome _superblock;
    private readonly LogSpace? _space;
    private readonly BufferPool _buffers;
    private readonly Queue<Transaction> _backlog = [];
    private readonly List<DurabilityWaiter> _waiters = [];

    private Transaction? _running;
    private Transaction? _committing;
    private Handle? _freeHandles;
    private uint _nextId;
    private uint _lastCommitted;
    private ulong _commits;
    private uint _commitRequest;
    private long _backlogBytes;
    private long _flushesBegun;
    private long _flushesDone;
    private long _flushRequest;
    private int _spaceWaiters;
    private Errno _abort;
    private Exception? _abortCause;
    private bool _isAbortRecorded;
    private bool _isStopping;

    /// <summary>Where metadata blocks are.</summary>
    internal BlockCache Cache => _context.Cache;

    /// <summary>True when the volume has a log; without, a crash may tear an operation apart.</summary>
    public bool HasLog => _source is not null;

    /// <summary>Most credits a handle can have.</summary>
    public int MaximumCredits => _limits.Blocks;

    /// <summary>Most blocks a handle can forget.</summary>
    public int MaximumForgets => Math.Min(_limits.Revokes / 2, 1 << 16);

    /// <summary>Why the journal takes no more changes, or Ok.</summary>
    public Errno AbortReason
    {
        get
        {
            using (_gate.Enter())
            {
                return _abort;
            }
        }
    }

    /// <summary>The transaction that a handle begun now would join, as far as one can tell. Waiting for it means
    /// waiting for all changes made so far.</summary>
    public uint RunningTransaction
    {
        get
        {
            using (_gate.Enter())
            {
                return _running?.Id ?? _nextId;
            }
        }
    }

    /// <summary>The newest transaction that is durable.</summary>
    internal uint DurableTransaction
    {
        get
        {
            using (_gate.Enter())
            {
                return _lastCommitted;
            }
        }
    }

    /// <summary>How full it is.</summary>
    public JournalFill Fill
    {
        get
        {
            using (_gate.Enter())
            {
                long open = ((_running?.Blocks.Count ?? 0) + (_committing?.Blocks.Count ?? 0)) * (long)Cache.BlockSizeBytes;
                return new JournalFill(_geometry?.LogBlocks ?? 0, _space?.UsedBlocks ?? 0, _backlogBytes + open,
                    _commits);
            }
        }
    }

    /// <summary>To be taken when a data write has completed and kept with the inode: a flush that began later made the
    /// data durable. Lock-free.</summary>
    public long DataTicket => Volatile.Read(ref _flushesBegun);

    /// <summary>Handles that took more blocks than they had credits for: always 0 when all callers count
    /// well.</summary>
    public long CreditOverruns => Volatile.Read(ref _creditOverruns);

    /// <summary>Commits a transaction and waits until it is durable. The caller holds no handle.</summary>
    /// <param name="transactionId">What <see cref="Handle.TransactionId"/> was; a durable one returns at once.</param>
    /// <returns>Ok, or InputOutput when the journal was aborted first.</returns>
    public Errno CommitAndWait(uint transactionId) => MakeDurable(transactionId, -1);

    /// <summary>As <see cref="CommitAndWait"/>, for the data as well.</summary>
    /// <param name="transactionId">The inode's last change.</param>
    /// <param name="dataTicket"><see cref="DataTicket"/> after the inode's last data write, or -1.</param>
    public Errno MakeDurable(uint transactionId, long dataTicket)
    {
        using (_gate.Enter())
        {
            return WaitUntilDurable(Existing(transactionId), dataTicket);
        }
    }

    /// <summary>Tells the waiter when a transaction is durable. Never blocks.</summary>
    public void WhenCommitted(uint transactionId, ICommitWaiter waiter) => WhenDurable(transactionId, -1, waiter);

    /// <summary>Tells the waiter when a transaction and the data written before the ticket are durable. Never blocks;
    /// concurrent waiters share one commit or flush.</summary>
    public void WhenDurable(uint transactionId, long dataTicket, ICommitWaiter waiter)
    {
        Errno outcome = Errno.Ok;
        using (_gate.Enter())
        {
            transactionId = Existing(transactionId);
            if (!IsDurable(transactionId, dataTicket))
            {
                if (_abort == Errno.Ok)
                {
                    Request(transactionId, dataTicket);
                    _waiters.Add(new DurabilityWaiter(transactionId, dataTicket, waiter));
                    return;
                }
                outcome = Errno.InputOutput;
            }
        }
        waiter.Committed(outcome);
    }

    /// <summary>Starts committing what is running, without waiting.</summary>
    public void RequestCommit()
    {
        using (_gate.Enter())
        {
            if (_running is not null)
            {
                Request(_running.Id, -1);
            }
        }
    }

    /// <summary>Makes everything durable, the superblock's counters included (syncfs).</summary>
    public Errno CommitAll()
    {
        using (_gate.Enter())
        {
            (uint id, long ticket) = WantEverything();
            return WaitUntilDurable(id, ticket);
        }
    }

    /// <summary>As <see cref="CommitAll"/>, for a reply that is given later.</summary>
    public void WhenAllDurable(ICommitWaiter waiter)
    {
        uint id;
        long ticket;
        bool isFrozen;
        using (_gate.Enter())
        {
            isFrozen = _isFrozen && (_running is null || _running.IsEmpty);
            (id, ticket) = isFrozen ? default : WantEverything();
        }
        if (isFrozen)
        {
            waiter.Committed(Errno.Ok);     // all was made durable on the way there
            return;
        }
        WhenDurable(id, ticket, waiter);
    }

    /// <summary>The transaction that will hold the superblock, unless nothing changed since the last that did. When the
    /// log is too full to open one, the counters go with a later one: they are advice.</summary>
    private (uint TransactionId, long DataTicket) WantEverything()
    {
        bool isChanged = _running is not null || _committing is not null || _superblockWrittenIn != _lastCommitted;
        if (isChanged && _abort == Errno.Ok && !_isStopping)
        {
            _isSuperblockWanted = true;
            if (_running is null && CanOpen())
            {
                OpenTransaction();
            }
        }
        return (Existing(_nextId), _flushesBegun);
    }

    /// <summary>The transaction, or the newest one when it was not opened yet: that there is nothing in it is durable.
    /// </summary>
    private uint Existing(uint transactionId)
    {
        uint newest = unchecked(_nextId - 1);
        return TransactionId.IsAfter(transactionId, newest) ? newest : transactionId;
    }

    private Errno WaitUntilDurable(uint transactionId, long dataTicket)
    {
        while (!IsDurable(transactionId, dataTicket))
        {
            if (_abort != Errno.Ok)
            {
                return Errno.InputOutput;
            }
            Request(transactionId, dataTicket);
            _gate.Wait();
        }
        return Errno.Ok;
    }

    private bool IsDurable(uint transactionId, long dataTicket) =>
        !TransactionId.IsAfter(transactionId, _lastCommitted) && dataTicket < _flushesDone;

    private void Request(uint transactionId, long dataTicket)
    {
        if (TransactionId.IsAfter(transactionId, _commitRequest))
        {
            _commitRequest = transactionId;
        }
        _flushRequest = Math.Max(_flushRequest, dataTicket + 1);
        TellAll();
    }

    /// <summary>Somebody who is told later.</summary>
    private readonly record struct DurabilityWaiter(uint TransactionId, long DataTicket, ICommitWaiter Waiter);
}

using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Opening, closing, aborting; the superblock.</content>
public sealed partial class Journal
{
    private readonly IJournalThreads _threads;
    private readonly BlockFrame _superblockFrame;
    private readonly bool _wasClean;
    private ISuperblockSource? _superblockSource;
    private VolumeErrorRecord? _pendingError;
    private bool _isSuperblockWanted;
    private bool _isCheckpointStopping;
    private bool _isClosed;
    private uint _superblockWrittenIn;

    private Journal(VolumeContext context, JournalSource? source, JournalGeometry? geometry,
        JournalSuperblockWriter? writer, JournalGate gate, uint firstSequence, JournalOptions options)
    {
        _context = context;
        _options = options.CommitInterval > TimeSpan.Zero
            ? options
            : options with { CommitInterval = JournalOptions.DefaultCommitInterval };
        _source = source;
        _geometry = geometry;
        _superblockWriter = writer;
        _gate = gate;
        _threads = (IJournalThreads?)options.Scheduler ?? new JournalThreads();
        _limits = new TransactionLimits(geometry, context.Geometry.BlockSizeBytes, options);
        _superblock = new SuperblockHome(context);
        _space = geometry is null ? null : new LogSpace(geometry, firstSequence);
        _buffers = new BufferPool(options.TransactionBytes + options.BacklogBytes);
        _nextId = firstSequence;
        _lastCommitted = unchecked(firstSequence - 1);
        _commitRequest = _lastCommitted;
        using BlockLease superblock = context.Cache.Read(context.Geometry.SuperblockBlock);
        superblock.Frame.AddPin();      // for as long as the journal lives
        _superblockFrame = superblock.Frame;
        _wasClean = ((VolumeStates)(ushort)context.CopySuperblock().State).HasFlag(VolumeStates.Clean);
    }

    /// <summary>Starts journaling on a volume whose log was replayed, and marks the volume as in use.</summary>
    /// <param name="context">The volume, writable.</param>
    /// <param name="source">Its journal; null when it has none.</param>
    /// <param name="endSequence"><see cref="RecoveryResult.EndSequence"/>: that id may be on disk, torn, and is never
    /// used again.</param>
    /// <param name="options">How to run it.</param>
    /// <exception cref="DeviceException">A write or flush failed.</exception>
    /// <exception cref="Ext4CorruptException">The journal is too short to be used.</exception>
    internal static Journal Open(VolumeContext context, JournalSource? source, uint endSequence, JournalOptions options)
    {
        uint first = TransactionId.Next(endSequence);
        var gate = new JournalGate(options.Scheduler);
        JournalGeometry? geometry = null;
        JournalSuperblockWriter? writer = null;
        if (source is not null)
        {
            byte[] block = source.CopySuperblock();
            geometry = JournalUpgrade.Apply(block, source, context.Geometry);
            writer = new JournalSuperblockWriter(source.Log, block, geometry.HasFastCommits, gate);
            writer.WriteEmpty(first, geometry.FirstBlock);
            source.Log.Device.Flush();
        }
        var journal = new Journal(context, source, geometry, writer, gate, first, options);
        journal.MarkInUse();
        journal.Start();
        return journal;
    }

    /// <summary>Names who knows the superblock's counters. Once, before the first handle.</summary>
    public void SetSuperblockSource(ISuperblockSource source)
    {
        using (_gate.Enter())
        {
            _superblockSource = source;
        }
    }

    /// <summary>Has a failure written into the superblock with the next commit, which starts at once. Never blocks and
    /// may be called with any lock held.</summary>
    public void RecordError(in VolumeErrorRecord record)
    {
        using (_gate.Enter())
        {
            _pendingError = record;
            _gate.PulseAll();
        }
    }

    /// <summary>Stops changes: from now on <see cref="TryBegin"/> says ReadOnly and waiters get InputOutput. Recorded
    /// in both superblocks as far as the device allows. The first reason counts.</summary>
    public void Abort(Errno reason, string where) =>
        AbortFrom(new DeviceException(reason, where));

    /// <summary>Ends journaling: commits, writes everything home, marks log and volume clean.</summary>
    /// <returns>Ok, or why the volume could not be left clean; then its log is still there to be replayed.</returns>
    public Errno Close()
    {
        if (_isClosed)
        {
            return _abort;
        }
        _isClosed = true;
        using (_gate.Enter())
        {
            _isStopping = true;
            _gate.PulseAll();
        }
        _threads.Join(CommitThreadName);
        if (_source is not null)
        {
            StopCheckpoints();
        }
        try
        {
            if (_abort == Errno.Ok)
            {
                MarkUnused();
            }
        }
        catch (DeviceException failure)
        {
            AbortFrom(failure);
        }
        _superblockFrame.Unpin();
        if (_abort != Errno.Ok && !_isAbortRecorded)
        {
            RecordAbort();
        }
        return _abort;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    internal void AbortFrom(Exception cause)
    {
        using (_gate.Enter())
        {
            if (_abort == Errno.Ok)
            {
                _abort = cause switch
                {
                    DeviceException failure => failure.Error,
                    Ext4CorruptException => Errno.Corrupted,
                    _ => Errno.InputOutput,
                };
                _abortCause = cause;
            }
            _gate.PulseAll();
        }
        _context.BecomeReadOnly();
    }

    private void Start()
    {
        _threads.Start(CommitThreadName, RunCommits);
        if (_source is not null)
        {
            _threads.Start(CheckpointThreadName, RunCheckpoints);
        }
    }

    private void StopCheckpoints()
    {
        using (_gate.Enter())
        {
            _isCheckpointWanted = true;
            _gate.PulseAll();
            while (_abort == Errno.Ok && (_backlog.Count > 0 || _space!.Tail != TailCandidateLocked()))
            {
                _gate.Wait();
            }
            _isCheckpointStopping = true;
            _gate.PulseAll();
        }
        _threads.Join(CheckpointThreadName);
    }

    private void MarkInUse()
    {
        DateTimeOffset now = _context.Clock.GetUtcNow();
        int journalError = _source?.Error ?? 0;
        _superblock.Change((ref Superblock super) =>
        {
            if (_source is not null)
            {
                super.Incompat = super.Incompat | (uint)IncompatFeatures.Recover;
            }
            else
            {
                super.State = (ushort)(super.State & ~(uint)VolumeStates.Clean);
            }
            if (journalError != 0)
            {
                new VolumeErrorRecord(
                    (Errno)Math.Abs((long)journalError), InodeNumber.None, default, "journal", now).Store(ref super);
            }
            super.MountTimeLow = (uint)(now.ToUnixTimeSeconds() & uint.MaxValue);
            super.MountTimeHigh = (byte)((now.ToUnixTimeSeconds() >> 32) & 0xFF);
            super.MountCount = unchecked((ushort)(super.MountCount + 1u));
        });
        _context.Device.Flush();
        if (journalError != 0)
        {
            _superblockWriter!.WriteError(Errno.Ok);
            _source!.Log.Device.Flush();
        }
    }

    /// <summary>Everything is at home: the log is empty, then the volume needs no recovery.</summary>
    private void MarkUnused()
    {
        if (_source is not null)
        {
            _context.Device.Flush();
            _superblockWriter!.WriteEmpty(_nextId, _space!.Head);
            _source.Log.Device.Flush();
        }
        _superblock.Change((ref Superblock super) =>
        {
            _superblockSource?.Store(ref super);
            super.Incompat = super.Incompat & ~(uint)IncompatFeatures.Recover;
            bool hasErrors = ((VolumeStates)(ushort)super.State).HasFlag(VolumeStates.Errors);
            if (_wasClean && !hasErrors)
            {
                super.State = (ushort)(super.State | (uint)VolumeStates.Clean);
            }
        });
        _context.Device.Flush();
    }

    /// <summary>Brings counters and errors into the superblock and the superblock into the transaction, where one or
    /// the other is wanted. No handle is open. The transaction has kept one block free for this.</summary>
    private void JoinSuperblock(Transaction transaction)
    {
        VolumeErrorRecord? error;
        ISuperblockSource? source;
        using (_gate.Enter())
        {
            if (!_isSuperblockWanted && _pendingError is null)
            {
                return;
            }
            _isSuperblockWanted = false;
            error = _pendingError;
            _pendingError = null;
            source = _superblockSource;
            _superblockWrittenIn = transaction.Id;
            JournalBlock state = StateOf(_superblockFrame);
            if (state.Running is null)
            {
                Add(transaction, state);
            }
        }
        Span<byte> bytes = _superblockFrame.Bytes.Slice(
            _context.Geometry.SuperblockOffsetInBlock, Superblock.SizeBytes);
        _superblock.Apply(bytes, (ref Superblock super) =>
        {
            source?.Store(ref super);
            error?.Store(ref super);
        });
    }

    private void ThrowIfAborted()
    {
        if (_abort != Errno.Ok)
        {
            throw new OperationCanceledException("the journal was aborted");
        }
    }

    /// <summary>Leaves word of the abort where the next mount and e2fsck look, and lets everybody go who
    /// waits.</summary>
    private void RecordAbort()
    {
        ICommitAction[] lost;
        using (_gate.Enter())
        {
            _isAbortRecorded = true;
            // Copied: a handle that is still open may add more, which then have nothing to wait for.
            lost = [.. _committing?.Actions ?? [], .. _running?.Actions ?? []];
        }
        var record = new VolumeErrorRecord(
            _abort, InodeNumber.None, default, "journal abort", _context.Clock.GetUtcNow());
        Attempt(() =>
        {
            _superblockWriter?.WriteError(_abort);
            _source?.Log.Device.Flush();
        });
        Attempt(() =>
        {
            _superblock.ChangeOnDisk(record.Store);
            _context.Device.Flush();
        });
        Report();
        foreach (ICommitAction action in lost)
        {
            action.TransactionEnded(isDurable: false);
        }
        CompleteWaiters();
    }

    private void Report()
    {
        switch (_abortCause)
        {
            case DeviceException failure:
                _context.Events.DeviceFailed(failure);
                break;
            case Ext4CorruptException damage:
                _context.Events.Damage(damage, InodeNumber.None);
                break;
            default:
                break;
        }
        _context.Events.Warning($"the journal was aborted, the volume is read-only: {_abortCause?.Message}");
    }

    /// <summary>A device that just failed may fail again here: then there is no place left to write it down, and the
    /// events have said so.</summary>
    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (DeviceException failure)
        {
            _context.Events.Warning($"the abort of the journal could not be recorded: {failure.Message}");
        }
    }
}

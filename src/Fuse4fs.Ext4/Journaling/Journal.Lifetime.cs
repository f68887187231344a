using System.Text;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Journaling;

/// <content>Opening, closing, aborting; the superblock.</content>
public sealed partial class Journal
{
    /// <summary>EXT4_DFL_MAX_MNT_COUNT: what a mount makes of 0.</summary>
    private const ushort DefaultMaximumMounts = 20;

    private readonly IJournalThreads _threads;
    private readonly BlockFrame _superblockFrame;
    private readonly bool _wasClean;
    private ISuperblockSource? _superblockSource;
    private ErrorBatch? _pendingErrors;
    private ErrorBatch? _committingErrors;
    private long? _errorsWrittenAt;
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
            writer = new JournalSuperblockWriter(source.Log, block, gate);
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

    /// <summary>Told when an abort has been recorded: on the commit thread, or on that which closes the journal.</summary>
    internal Action? AbortRecorded { get; set; }

    /// <summary>Has failures written into the superblock with a commit of its own, or past an aborted journal. When the
    /// last such writing is less than a commit interval ago it waits for that to be over: damage met again and again
    /// must not keep the device busy. Never blocks and may be called with any lock held.</summary>
    internal void RecordErrors(ErrorBatch errors)
    {
        using (_gate.Enter())
        {
            if (!_isDiscontinued)
            {
                _pendingErrors = ErrorBatch.Join(_pendingErrors, errors);
                TellAll();
            }
        }
    }

    /// <summary>Stops changes: from now on <see cref="TryStart"/> says ReadOnly and waiters get InputOutput. Recorded
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
        _ = Thaw();
        _isClosed = true;
        using (_gate.Enter())
        {
            _isStopping = true;
            TellAll();
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
        if (_abort != Errno.Ok && (!_isAbortRecorded || _pendingErrors is not null))
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
            TellAll();
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
            TellAll();
            while (_abort == Errno.Ok && (_backlog.Count > 0 || _space!.Tail != TailCandidateLocked()))
            {
                _gate.Wait();
            }
            _isCheckpointStopping = true;
            TellAll();
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
                super.State = (ushort)(super.State | (uint)VolumeStates.Errors);    // kernel: ext4_clear_journal_err
            }
            super.MountTimeLow = (uint)(now.ToUnixTimeSeconds() & uint.MaxValue);
            super.MountTimeHigh = (byte)((now.ToUnixTimeSeconds() >> 32) & 0xFF);
            super.MountCount = unchecked((ushort)(super.MountCount + 1u));
            if (super.MaximumMountCount == 0)
            {
                super.MaximumMountCount = DefaultMaximumMounts;
            }
            StoreMountPoint(super.LastMounted);
        });
        _context.Device.Flush();
        if (journalError != 0)
        {
            _superblockWriter!.WriteError(Errno.Ok);
            _source!.Log.Device.Flush();
        }
    }

    /// <summary>Kernel: ext4_sample_last_mounted, which too leaves the field alone when a path does not fit.</summary>
    private void StoreMountPoint(Span<byte> field)
    {
        if (_options.MountPoint is string place && Encoding.UTF8.GetByteCount(place) < field.Length)
        {
            field.Clear();
            Encoding.UTF8.GetBytes(place, field);
        }
    }

    /// <summary>Everything is at home: the log is empty, then the volume needs no recovery.</summary>
    private void MarkUnused()
    {
        if (_source is not null)
        {
            _context.Device.Flush();
            uint head = _space!.Head;
            _superblockWriter!.WriteEmpty(_running?.Id ?? _nextId, head < FastCommitArea ? head : _geometry!.FirstBlock);
            _source.Log.Device.Flush();
            ClearFastCommitArea();
        }
        _superblock.Change((ref Superblock super) =>
        {
            _superblockSource?.Store(ref super);
            super.Incompat = super.Incompat & ~(uint)IncompatFeatures.Recover;
            _pendingErrors?.Store(ref super);
            if (_wasClean)
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
        ErrorBatch? errors;
        ISuperblockSource? source;
        using (_gate.Enter())
        {
            if (!_isSuperblockWanted && _pendingErrors is null)
            {
                return;
            }
            _isSuperblockWanted = false;
            errors = TakeErrors();
            _committingErrors = errors;
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
            errors?.Store(ref super);
        });
    }

    private void ThrowIfAborted()
    {
        if (_abort != Errno.Ok)
        {
            throw new OperationCanceledException("the journal was aborted");
        }
    }

    /// <summary>The failures to be written now. Under the gate.</summary>
    private ErrorBatch? TakeErrors()
    {
        ErrorBatch? errors = _pendingErrors;
        _pendingErrors = null;
        if (errors is not null)
        {
            _errorsWrittenAt = _context.Clock.GetTimestamp();
        }
        return errors;
    }

    /// <summary>When failures that wait are to be written; infinite when there are none. Under the gate.</summary>
    private TimeSpan TimeUntilErrors()
    {
        if (_pendingErrors is null)
        {
            return Timeout.InfiniteTimeSpan;
        }
        if (_errorsWrittenAt is not long last || _isStopping)
        {
            return TimeSpan.Zero;
        }
        TimeSpan left = _options.CommitInterval - _context.Clock.GetElapsedTime(last);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Leaves word of the abort, and of damage found since, where the next mount and e2fsck look; the first
    /// time also lets everybody go who waits.</summary>
    private void RecordAbort()
    {
        bool isFirst;
        ErrorBatch? errors;
        ICommitAction[] lost = [];
        using (_gate.Enter())
        {
            isFirst = !_isAbortRecorded;
            _isAbortRecorded = true;
            errors = ErrorBatch.Join(_committingErrors, TakeErrors());
            _committingErrors = null;
            if (isFirst)
            {
                // Copied: a handle that is still open may add more, which then have nothing to wait for.
                lost = [.. _committing?.Actions ?? [], .. _running?.Actions ?? []];
            }
        }
        errors ??= ErrorBatch.Add(null, RecordOf(_abortCause));
        if (isFirst)
        {
            Attempt(() =>
            {
                _superblockWriter?.WriteError(_abort);
                _source?.Log.Device.Flush();
            });
        }
        Attempt(() =>
        {
            _superblock.ChangeOnDisk(errors.Store);
            _context.Device.Flush();
        });
        if (isFirst)
        {
            try
            {
                Report();
                foreach (ICommitAction action in lost)
                {
                    action.TransactionEnded(isDurable: false);
                }
            }
            finally
            {
                CompleteWaiters();
                AbortRecorded?.Invoke();
            }
        }
    }

    /// <summary>An abort that no damage explains.</summary>
    private VolumeErrorRecord RecordOf(Exception? cause)
    {
        var damage = cause as Ext4CorruptException;
        return new VolumeErrorRecord(
            _abort,
            damage?.Inode ?? InodeNumber.None,
            damage?.Block ?? default,
            damage?.Function ?? nameof(Abort),
            damage?.Line ?? 0,
            _context.Clock.GetUtcNow());
    }

    private void Report()
    {
        if (_abortCause is DeviceException failure)
        {
            _context.Events.DeviceFailed(failure);
        }
        _context.Events.Warning($"the journal was aborted, the volume is read-only: {_abortCause?.Message}");
    }

    /// <summary>Whatever failed before may fail again here: then there is no place left to write it down, and the events
    /// have said so. Those who wait must learn of the abort all the same.</summary>
    private void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure)
        {
            _context.Events.Warning($"the abort of the journal could not be recorded: {failure.Message}");
        }
    }
}

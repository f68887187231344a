using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Uring;

/// <summary>A thread with an io_uring of its own: one system call hands in a reply and waits for the next
/// request.</summary>
/// <remarks>It keeps one entry with the kernel for each of its queues. That is on purpose: an entry the kernel holds is
/// then a promise that somebody waits for it, while more of them would let a request sit behind a long one. When a
/// request is deferred, another entry takes the place of the one held up. (The kernel gives a new entry only to a new
/// request; one that found no entry a moment before waits for the next answer of any on its CPU.)</remarks>
internal sealed unsafe class RingWorker : IDisposable
{
    private const uint RingPlaces = 256;
    private const int MostEntries = 200;
    private const ulong WakeUp = ulong.MaxValue;

    private readonly RingPool _pool;
    private readonly int[] _queues;
    private readonly List<RingEntry> _entries = [];
    private readonly ConcurrentQueue<RingEntry> _answeredElsewhere = new();
    private readonly ulong* _wakeCount;
    private readonly Thread _thread;
    private FileDescriptor? _wake;
    private IoRing? _ring;
    private int _held;
    private bool _isOver;

    /// <param name="pool">All of them.</param>
    /// <param name="index">For the handler.</param>
    /// <param name="queues">CPUs whose requests it serves; it runs on the first.</param>
    public RingWorker(RingPool pool, int index, int[] queues)
    {
        _pool = pool;
        _queues = queues;
        Index = index;
        _wakeCount = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));
        _thread = new Thread(Run) { IsBackground = true, Name = $"fuse-ring-{index}" };
    }

    public int Index { get; }

    public OperationCounters Counters { get; } = new();

    public void Start() => _thread.Start();

    public void Join() => _thread.Join();

    /// <summary>An entry's reply is in place. Off this thread it has to be woken: only it may submit.</summary>
    public void Commit(RingEntry entry)
    {
        if (Environment.CurrentManagedThreadId == _thread.ManagedThreadId)
        {
            Submit(entry, UringCommand.CommitAndFetch);
            return;
        }
        _answeredElsewhere.Enqueue(entry);
        ulong one = 1;
        _ = LibC.Write(_wake!, &one, sizeof(ulong));
    }

    public void Dispose()
    {
        foreach (RingEntry entry in _entries)
        {
            entry.Dispose();
        }
        _wake?.Dispose();
        NativeMemory.Free(_wakeCount);
    }

    private void Run()
    {
        try
        {
            _ = LibC.BindThreadToCpu(_queues[0]);
            Errno error = LibC.TryCreateEvent(out _wake);
            if (error == Errno.Ok)
            {
                error = IoRing.TryCreate(RingPlaces, out _ring);
            }
            _pool.Opened();
            if (error != Errno.Ok)
            {
                FuseLog.NoRing(_pool.Log, Index, error);
                return;
            }
            using (_ring)
            {
                Serve();
            }
        }
        finally
        {
            _pool.Left();
        }
    }

    private void Serve()
    {
        using var reply = new ReplyBuffer(_pool.PayloadBytes, maxPieces: 0);
        AwaitWakeUp();
        foreach (int queue in _queues)
        {
            AddEntry(queue);
        }
        while (_held > 0 || !_isOver)
        {
            Errno error = _ring!.Enter();
            if (error is not (Errno.Ok or Errno.Interrupted or Errno.Again or Errno.Busy))
            {
                FuseLog.NoRing(_pool.Log, Index, error);
                break;
            }
            while (_ring.TryTake(out IoRing.Completion completion))
            {
                Complete(in completion, reply);
            }
        }
        CloseEntries();
    }

    /// <summary>The kernel holds no entry any more. Of those with unanswered requests, whoever is writing a reply is
    /// let finish: then the memory can go.</summary>
    private void CloseEntries()
    {
        int beingAnswered = _entries.Count(entry => !entry.IsHeld && !entry.IsLost && !entry.TryClose());
        var wait = new SpinWait();
        while (beingAnswered > 0)
        {
            if (_answeredElsewhere.TryDequeue(out _))
            {
                beingAnswered--;
            }
            else
            {
                wait.SpinOnce();
            }
        }
    }

    private void Complete(in IoRing.Completion completion, ReplyBuffer reply)
    {
        if (completion.UserData == WakeUp)
        {
            AwaitWakeUp();
            while (_answeredElsewhere.TryDequeue(out RingEntry? answered))
            {
                Submit(answered, UringCommand.CommitAndFetch);
            }
            return;
        }
        RingEntry entry = _entries[(int)completion.UserData];
        entry.IsHeld = false;
        _held--;
        if (completion.Result < 0)
        {
            Lose(entry, (Errno)(-completion.Result));
            return;
        }
        ReadOnlySpan<byte> request = entry.TakeRequest();
        _pool.Dispatcher.Dispatch(request, entry.HasPayload ? reply : entry.Reply, entry, Index, Counters);
        if (entry.IsUnanswered && _entries.Count < MostEntries)
        {
            AddEntry(entry.Queue); // Deferred: somebody else must take what comes meanwhile.
        }
    }

    /// <summary>The kernel does not use an entry any more: at the end of the connection, or it refused it.</summary>
    private void Lose(RingEntry entry, Errno error)
    {
        if (error == Errno.Again)
        {
            Submit(entry, UringCommand.Register); // INIT's reply is still being worked on.
            return;
        }
        entry.IsLost = true;
        if (error == Errno.NoEntry && !_isOver)
        {
            AddEntry(entry.Queue); // Its request had gone; the kernel does not use the place again.
            return;
        }
        _isOver = true;
        if (error is not (Errno.NotConnected or Errno.ConnectionAborted or Errno.Canceled))
        {
            FuseLog.NoRing(_pool.Log, Index, error);
        }
    }

    private void AddEntry(int queue)
    {
        var entry = new RingEntry(this, _entries.Count, queue, _pool.PayloadBytes);
        _entries.Add(entry);
        Submit(entry, UringCommand.Register);
    }

    private void Submit(RingEntry entry, UringCommand command)
    {
        entry.IsHeld = true;
        _held++;
        ref IoRing.Submission submission = ref _ring!.Next();
        submission.Opcode = IoRing.Submission.Command;
        submission.Descriptor = _pool.Descriptor.Number;
        submission.CommandCode = command;
        submission.UserData = (ulong)entry.Index;
        submission.CommandRequest.QueueId = (ushort)entry.Queue;
        if (command == UringCommand.Register)
        {
            submission.Address = entry.VectorsAddress;
            submission.Length = 2;
        }
        else
        {
            submission.CommandRequest.CommitId = entry.CommitId;
        }
    }

    private void AwaitWakeUp()
    {
        ref IoRing.Submission submission = ref _ring!.Next();
        submission.Opcode = IoRing.Submission.Read;
        submission.Descriptor = _wake!.Number;
        submission.Address = (ulong)_wakeCount;
        submission.Length = sizeof(ulong);
        submission.UserData = WakeUp;
    }
}

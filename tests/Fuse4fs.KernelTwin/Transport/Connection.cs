using Fuse4fs.KernelTwin.Faults;
using Fuse4fs.KernelTwin.Rules;
using Fuse4fs.KernelTwin.Scheduling;
using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Transport;

/// <summary>The queue between kernel and server: numbering, waiting, matching replies, interrupts, the end. All under
/// the scheduler's gate. Section 1.1.</summary>
internal sealed class Connection(TwinScheduler scheduler, RuleKeeper rules, Trace trace, FaultPlan faults)
{
    private const int MostErrno = 511;
    private readonly LinkedList<Request> _queue = new();
    private readonly Dictionary<ulong, Request> _unanswered = [];
    private readonly List<(Request Request, Errno Error, byte[] Body)> _held = [];
    private readonly HashSet<ulong> _answered = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _lastUnique;
    private long _messages;

    public ConnectionState State { get; private set; } = ConnectionState.Unmounted;

    public bool HasRequests => _queue.Count > 0;

    public bool HasUnanswered => _unanswered.Count > 0;

    public long Messages => _messages;

    /// <summary>Handles a notification; given code and body.</summary>
    public Func<NotifyCode, byte[], Errno> OnNotification { get; set; } = (_, _) => Errno.EINVAL;

    public IEnumerable<Request> Unanswered => _unanswered.Values;

    public string Describe() =>
        string.Join("; ", _unanswered.Values.Concat(_queue).Select(request => request.Entry.ToString()));

    public void Advance(ConnectionState state)
    {
        State = state;
        if (state is ConnectionState.Ready or ConnectionState.Refused or ConnectionState.Ended)
        {
            _ready.TrySetResult();
        }
    }

    public async Task<Reply> Call(Caller caller, Opcode opcode, ulong nodeId, byte[] body, ReplyForm form, string text,
        CallKind kind = CallKind.Killable)
    {
        if (State is ConnectionState.Initializing or ConnectionState.Configuring && !IsSetup(opcode))
        {
            await _ready.Task;
        }
        if (State is ConnectionState.Ended or ConnectionState.Unmounted or ConnectionState.Refused
            && opcode != Opcode.Destroy)
        {
            Errno error = State == ConnectionState.Refused ? Errno.ECONNREFUSED : Errno.ENOTCONN;
            return new Reply(error, [], new TraceEntry(caller.Mark, text));
        }
        if (caller.IsKilled && kind == CallKind.Killable)
        {
            _lastUnique += 2;
            return new Reply(Errno.EINTR, [], new TraceEntry(caller.Mark, text));
        }
        Request request = Enqueue(caller, opcode, nodeId, body, form, text, hasNoReply: false);
        return await request.Completion.Task;
    }

    /// <summary>Queues a request that nobody waits for.</summary>
    public void Post(Caller caller, Opcode opcode, ulong nodeId, byte[] body, string text, bool hasNoReply)
    {
        if (State == ConnectionState.Ready)
        {
            Enqueue(caller, opcode, nodeId, body, ReplyForm.Empty, text, hasNoReply);
        }
    }

    /// <summary>Whether a descriptor may read now; waits if it may later.</summary>
    public Errno WaitForRequest(bool waitsForMount)
    {
        while (!HasRequests)
        {
            if (State == ConnectionState.Ended)
            {
                return Errno.ENODEV;
            }
            if (State == ConnectionState.Unmounted && !waitsForMount)
            {
                return Errno.EPERM;
            }
            Monitor.Wait(scheduler.Gate);
        }
        return Errno.Ok;
    }

    public int Deliver(FuseDevice device, Span<byte> buffer)
    {
        Request request = _queue.First!.Value;
        _queue.RemoveFirst();
        Monitor.PulseAll(scheduler.Gate);
        if (request.Bytes.Length > buffer.Length)
        {
            request.Complete(Errno.EIO, []);
            return -(int)Errno.EIO;
        }
        request.Bytes.CopyTo(buffer);
        request.ReadFrom = device;
        if (!request.HasNoReply)
        {
            _unanswered.Add(request.Unique, request);
        }
        if (faults.KillSender is { } kills && !request.HasNoReply && kills(request.Entry))
        {
            Kill(request.Caller);
        }
        return request.Bytes.Length;
    }

    /// <summary>A fatal signal: what is unread is withdrawn, what is read is interrupted and waited for.</summary>
    public void Kill(Caller caller)
    {
        caller.IsKilled = true;
        foreach (Request request in _queue.Where(request => request.Caller == caller && !request.HasNoReply).ToArray())
        {
            _queue.Remove(request);
            request.Complete(Errno.EINTR, []);
        }
        foreach (Request request in _unanswered.Values.Where(request => request.Caller == caller).ToArray())
        {
            byte[] body = WireBytes.Of(new SessionWire.Word { Value = request.Unique });
            Insert(Caller.None, Opcode.Interrupt, 0, body, ReplyForm.Empty, "INTERRUPT", true, request.Unique | 1);
        }
    }

    /// <summary>What write(2) on a descriptor does.</summary>
    public Errno Accept(FuseDevice device, ReadOnlySpan<byte> message)
    {
        int headerBytes = WireBytes.SizeOf<HeaderWire.ReplyHead>();
        HeaderWire.ReplyHead header = WireBytes.Read<HeaderWire.ReplyHead>(message);
        if (message.Length < headerBytes || header.Length != message.Length)
        {
            rules.Report(RuleBook.ReplyLength, $"{message.Length} bytes, header says {header.Length}");
            return Errno.EINVAL;
        }
        if (State is ConnectionState.Ended)
        {
            return Errno.ENOENT;
        }
        byte[] body = message[headerBytes..].ToArray();
        if (header.Unique == 0)
        {
            return OnNotification((NotifyCode)header.Error, body);
        }
        if (header.Error is > 0 or < -MostErrno)
        {
            rules.Report(RuleBook.ReplyError, $"error {header.Error}");
            return Errno.EINVAL;
        }
        if (!_unanswered.TryGetValue(header.Unique, out Request? request) || request.ReadFrom != device)
        {
            ReportUnmatched(header.Unique, request);
            return Errno.ENOENT;
        }
        _unanswered.Remove(header.Unique);
        _answered.Add(header.Unique);
        return Answer(request, (Errno)(-header.Error), body);
    }

    /// <summary>Lets replies go on that were held back.</summary>
    public void ReleaseHeld()
    {
        foreach ((Request request, Errno error, byte[] body) in _held)
        {
            request.Complete(error, body);
        }
        _held.Clear();
    }

    /// <summary>The end: everything unanswered fails, readers get ENODEV.</summary>
    public void Abort()
    {
        Advance(ConnectionState.Ended);
        foreach (Request request in _queue.Concat(_unanswered.Values).Concat(_held.Select(held => held.Request)).ToArray())
        {
            request.Complete(Errno.ENOTCONN, []);
        }
        _queue.Clear();
        _unanswered.Clear();
        _held.Clear();
        Monitor.PulseAll(scheduler.Gate);
    }

    private static bool IsSetup(Opcode opcode) => opcode is Opcode.Init or Opcode.IomapConfig or Opcode.Destroy;

    private Request Enqueue(Caller caller, Opcode opcode, ulong nodeId, byte[] body, ReplyForm form, string text,
        bool hasNoReply)
    {
        _lastUnique += 2;
        return Insert(caller, opcode, nodeId, body, form, text, hasNoReply, _lastUnique);
    }

    private Request Insert(Caller caller, Opcode opcode, ulong nodeId, byte[] body, ReplyForm form, string text,
        bool hasNoReply, ulong unique)
    {
        var header = new HeaderWire.RequestHead
        {
            Length = (uint)(WireBytes.SizeOf<HeaderWire.RequestHead>() + body.Length),
            Opcode = (uint)opcode,
            Unique = unique,
            NodeId = nodeId,
            Uid = caller.Uid,
            Gid = caller.Gid,
            Pid = caller.Pid,
        };
        var request = new Request(unique, opcode, nodeId, WireBytes.Of(header, body), form, caller,
            trace.Add(caller.Mark, text), ++_messages) { HasNoReply = hasNoReply };
        if (_messages == faults.CrashAtMessage && faults.CrashMoment == CrashMoment.BeforeRequest)
        {
            Crash(request);
            return request;
        }
        _queue.AddLast(request);
        Monitor.PulseAll(scheduler.Gate);
        return request;
    }

    private Errno Answer(Request request, Errno error, byte[] body)
    {
        if (request.Number == faults.CrashAtMessage && faults.CrashMoment == CrashMoment.BeforeReply)
        {
            Crash(request);
            return Errno.Ok;
        }
        Errno result = Errno.Ok;
        bool fits = error != Errno.Ok ? body.Length == 0
            : body.Length == request.Form.Bytes || (request.Form.MayBeShorter && body.Length <= request.Form.Bytes);
        if (!fits)
        {
            rules.Report(error != Errno.Ok ? RuleBook.ReplyError : RuleBook.ReplySize,
                $"{request.Entry}: {body.Length} bytes for {request.Form.Bytes}");
            (error, body, result) = (Errno.EIO, [], Errno.EINVAL);
        }
        if (faults.HoldReply is { } holds && holds(request.Entry))
        {
            _held.Add((request, error, body));
        }
        else
        {
            request.Complete(error, body);
        }
        Monitor.PulseAll(scheduler.Gate);
        return result;
    }

    private void ReportUnmatched(ulong unique, Request? request)
    {
        if (request is not null)
        {
            rules.Report(RuleBook.ReplyUnique, $"{request.Entry} was answered on another descriptor");
        }
        else if (_answered.Contains(unique) || unique > _lastUnique)
        {
            rules.Report(RuleBook.ReplyUnique, $"unique {unique} was answered before, or never asked");
        }
    }

    private void Crash(Request request)
    {
        Abort();
        scheduler.Fail(new TwinCrashException(request.Number, request.Entry.Request));
    }
}

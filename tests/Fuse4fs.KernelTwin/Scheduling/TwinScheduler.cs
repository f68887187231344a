using Fuse4fs.KernelTwin.Faults;
using Fuse4fs.KernelTwin.Rules;

namespace Fuse4fs.KernelTwin.Scheduling;

/// <summary>Runs every task of the modelled kernel, one at a time, on whichever thread waits for a result.</summary>
/// <remarks>Without a seed the order is first come, first served, and a block device finishes its work only when nothing
/// else can go on: the order the recordings show. With a seed every choice is drawn from it: which task goes on, which
/// reply is seen first, when the server is handed a request, when the device has finished.
/// Everything, and all state of the twin, is guarded by Gate.</remarks>
internal sealed class TwinScheduler(int? seed, TimeSpan stallLimit) : SynchronizationContext
{
    private readonly Random? _random = seed is int value ? new Random(value) : null;
    private readonly List<(SendOrPostCallback Callback, object? State)> _ready = [];
    private readonly List<Action> _device = [];
    private Exception? _failure;

    public object Gate { get; } = new();

    /// <summary>Serves one waiting request on this thread; null for a server with threads of its own.</summary>
    public Func<bool>? Pump { get; set; }

    /// <summary>Whether a request waits to be read.</summary>
    public Func<bool> HasRequests { get; set; } = () => false;

    /// <summary>Whether the server has read a request and not answered it.</summary>
    public Func<bool> HasUnanswered { get; set; } = () => false;

    /// <summary>What is unanswered, for the message about a stall.</summary>
    public Func<string> Describe { get; set; } = () => "";

    /// <summary>Called after each step; throws what a test must hear of at once.</summary>
    public Action Check { get; set; } = () => { };

    public bool IsRandom => _random is not null;

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (Gate)
        {
            _ready.Add((d, state));
            Monitor.PulseAll(Gate);
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>0 without a seed, else below the limit.</summary>
    public int Draw(int limit) => _random?.Next(limit) ?? 0;

    /// <summary>Something the block device does when it gets to it.</summary>
    public void PostToDevice(Action work) => _device.Add(work);

    /// <summary>Starts a task that nobody waits for; what it throws ends the test.</summary>
    public void Spawn(Func<Task> body) => Post(static state => _ = ((Spawned)state!).Run(), new Spawned(this, body));

    /// <summary>Gives the others a chance, in the random order only.</summary>
    public Task Breathe() => _random is null ? Task.CompletedTask : Turn();

    /// <summary>Runs tasks until this one has ended.</summary>
    public T Run<T>(Func<Task<T>> body)
    {
        lock (Gate)
        {
            SynchronizationContext? previous = Current;
            SetSynchronizationContext(this);
            try
            {
                Task<T> task = body();
                while (!task.IsCompleted)
                {
                    if (!Step(wait: true))
                    {
                        throw new TwinStallException($"nothing can go on; unanswered: {Describe()}");
                    }
                }
                ThrowFailure();
                Check();
                return task.GetAwaiter().GetResult();
            }
            finally
            {
                SetSynchronizationContext(previous);
                Monitor.PulseAll(Gate);
            }
        }
    }

    /// <summary>Runs tasks until none can go on.</summary>
    public void Settle()
    {
        lock (Gate)
        {
            SynchronizationContext? previous = Current;
            SetSynchronizationContext(this);
            try
            {
                while (Step(wait: Pump is null && (HasUnanswered() || HasRequests())))
                {
                }
                ThrowFailure();
                Check();
            }
            finally
            {
                SetSynchronizationContext(previous);
            }
        }
    }

    public void Fail(Exception failure)
    {
        lock (Gate)
        {
            _failure ??= failure;
            Monitor.PulseAll(Gate);
        }
    }

    private async Task Turn()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(static state => ((TaskCompletionSource)state!).SetResult(), turn);
        await turn.Task;
    }

    private bool Step(bool wait)
    {
        ThrowFailure();
        bool pumps = Pump is not null && HasRequests();
        bool done = _random is null ? StepInOrder(pumps) : StepAtRandom(pumps);
        if (!done && wait && Pump is null && (HasUnanswered() || HasRequests()))
        {
            if (!Monitor.Wait(Gate, stallLimit))
            {
                throw new TwinStallException($"the server did not answer: {Describe()}");
            }
            done = true;
        }
        Check();
        return done;
    }

    private bool StepInOrder(bool pumps)
    {
        if (_ready.Count > 0)
        {
            RunReady(0);
            return true;
        }
        if (pumps)
        {
            return Pump!();
        }
        if (_device.Count == 0 || (Pump is null && (HasUnanswered() || HasRequests())))
        {
            return false;
        }
        RunDevice(0);
        return true;
    }

    private bool StepAtRandom(bool pumps)
    {
        int choices = _ready.Count + _device.Count + (pumps ? 1 : 0);
        if (choices == 0)
        {
            return false;
        }
        int choice = _random!.Next(choices);
        if (choice < _ready.Count)
        {
            RunReady(choice);
        }
        else if (choice < _ready.Count + _device.Count)
        {
            RunDevice(choice - _ready.Count);
        }
        else
        {
            return Pump!();
        }
        return true;
    }

    private void RunReady(int index)
    {
        (SendOrPostCallback callback, object? state) = _ready[index];
        _ready.RemoveAt(index);
        callback(state);
    }

    private void RunDevice(int index)
    {
        Action work = _device[index];
        _device.RemoveAt(index);
        work();
    }

    private void ThrowFailure()
    {
        if (_failure is Exception failure)
        {
            _failure = null;
            throw failure is TwinCrashException or RuleViolationException ? failure : new TwinTaskException(failure);
        }
    }

    private sealed class Spawned(TwinScheduler scheduler, Func<Task> body)
    {
        public async Task Run()
        {
            try
            {
                await body();
            }
            catch (Exception failure)
            {
                scheduler.Fail(failure);
            }
        }
    }
}

using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Tests.Session;

/// <summary>A handler whose answer is a lambda, and which remembers what the session told it.</summary>
internal sealed class ScriptedHandler(ScriptedHandler.Script script) : IRequestHandler
{
    private int _entered;
    private int _left;

    public delegate Errno Script(in InHeader header, ref RequestReader body, ref ReplyWriter reply);

    public Capabilities? Agreed { get; private set; }

    public FuseNotifier? Notifier { get; private set; }

    public int MaxWorkers { get; private set; }

    public int Disconnections { get; private set; }

    public int Entered => _entered;

    public int Left => _left;

    public List<Exception> Failures { get; } = [];

    public Dictionary<ulong, ulong> Forgotten { get; } = [];

    public List<ulong> InterruptedRequests { get; } = [];

    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
    {
        Agreed = capabilities;
        Notifier = notifier;
        MaxWorkers = maxWorkers;
    }

    public void Disconnected() => Disconnections++;

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
        => script(in header, ref body, ref reply);

    public void Forget(ulong nodeId, ulong lookups)
    {
        lock (Forgotten)
        {
            Forgotten[nodeId] = Forgotten.GetValueOrDefault(nodeId) + lookups;
        }
    }

    public Errno Failed(in InHeader header, Exception exception)
    {
        lock (Failures)
        {
            Failures.Add(exception);
        }
        return Errno.Corrupted;
    }

    public void Interrupted(ulong unique)
    {
        lock (InterruptedRequests)
        {
            InterruptedRequests.Add(unique);
        }
    }

    public void Enter(int worker) => Interlocked.Increment(ref _entered);

    public void Leave(int worker) => Interlocked.Increment(ref _left);
}

using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Tests.Mounting;

/// <summary>A handler that looks at every request before another one gets it.</summary>
internal sealed class WrappingHandler(IRequestHandler inner) : IRequestHandler
{
    /// <returns>True when the request is dealt with.</returns>
    public delegate bool Hook(in InHeader header, ref ReplyWriter reply);

    public required Hook Before { get; init; }

    /// <summary>Hears of callers that lost patience.</summary>
    public Action<ulong>? OnInterrupt { get; init; }

    public void Interrupted(ulong unique) => OnInterrupt?.Invoke(unique);

    public void Connected(Capabilities capabilities, FuseNotifier notifier, int maxWorkers)
        => inner.Connected(capabilities, notifier, maxWorkers);

    public void Disconnected() => inner.Disconnected();

    public Errno Handle(in InHeader header, ref RequestReader body, ref ReplyWriter reply)
        => Before(in header, ref reply) ? Errno.Ok : inner.Handle(in header, ref body, ref reply);

    public void Forget(ulong nodeId, ulong lookups) => inner.Forget(nodeId, lookups);

    public Errno Failed(in InHeader header, Exception exception) => inner.Failed(in header, exception);
}

using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Background;

/// <summary>A reply that goes out when changes are durable: the commit thread writes it, on the descriptor the request
/// came from. Nothing waits meanwhile.</summary>
internal sealed class DurableReply(DeferredReply reply) : ICommitWaiter
{
    /// <inheritdoc/>
    public void Committed(Errno outcome) => reply.Complete(outcome);
}

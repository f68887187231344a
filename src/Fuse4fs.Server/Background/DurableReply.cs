using Fuse4fs.Ext4.Journaling;
using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Background;

/// <summary>A reply that goes out when changes are durable: the commit thread writes it, on the descriptor the request
/// came from. Nothing waits meanwhile.</summary>
/// <param name="reply">The duty to answer.</param>
/// <param name="payloadBytes">Zeros that a successful answer carries: an IOCTL's result.</param>
internal sealed class DurableReply(DeferredReply reply, int payloadBytes = 0) : ICommitWaiter
{
    private const int MostBytes = 64;

    /// <inheritdoc/>
    public void Committed(Errno outcome)
    {
        if (outcome != Errno.Ok || payloadBytes == 0)
        {
            reply.Complete(outcome);
            return;
        }
        Span<byte> zeros = stackalloc byte[MostBytes];
        zeros.Clear();
        reply.Complete(zeros[..payloadBytes]);
    }
}

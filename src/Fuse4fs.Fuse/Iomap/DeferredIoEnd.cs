using System.Runtime.InteropServices;
using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>The duty to answer one IOMAP_IOEND, from any thread, exactly once. Small enough to be stored by
/// value.</summary>
public readonly struct DeferredIoEnd
{
    private readonly DeferredReply _reply;

    internal DeferredIoEnd(DeferredReply reply) => _reply = reply;

    /// <summary>Answers.</summary>
    /// <param name="error">As of <see cref="IomapHandler.CompleteIo"/>.</param>
    /// <param name="sizeBytes">The size that is now stored; counts with Ok.</param>
    public Errno Complete(Errno error, long sizeBytes)
    {
        if (error != Errno.Ok || sizeBytes < 0)
        {
            return _reply.Complete(error == Errno.Ok ? Errno.InputOutput : error);
        }
        var answer = new IomapIoEndOut { NewSize = (ulong)sizeBytes };
        return _reply.Complete(MemoryMarshal.AsBytes(new ReadOnlySpan<IomapIoEndOut>(in answer)));
    }
}

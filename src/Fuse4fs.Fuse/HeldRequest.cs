using Fuse4fs.Fuse.Wire;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>A request that was taken from the kernel and waits to be handled: see <see cref="ReplyWriter.Hold"/>. Whoever
/// keeps it has it served (<see cref="FuseSession.Serve"/>) or gives it up, once.</summary>
public sealed class HeldRequest
{
    internal HeldRequest(in InHeader header, byte[] message, IFuseTransport transport)
    {
        Unique = header.Unique;
        Process = header.Pid;
        Message = message;
        Transport = transport;
    }

    /// <summary>Its number: what <see cref="IRequestHandler.Interrupted"/> names.</summary>
    public ulong Unique { get; }

    /// <summary>The thread that waits for the answer, in the pid namespace of who mounted; 0 when that cannot be told, or
    /// when it is the kernel's own.</summary>
    public uint Process { get; }

    /// <summary>Memory it takes, bytes.</summary>
    public int LengthBytes => Message.Length;

    /// <summary>Header, body, extensions.</summary>
    internal byte[] Message { get; }

    /// <summary>Where it came from and its answer goes.</summary>
    internal IFuseTransport Transport { get; }

    /// <summary>Answers it with an error: it is not handled.</summary>
    public void GiveUp(Errno error) => _ = new DeferredReply(Transport, Unique).Complete(error);
}

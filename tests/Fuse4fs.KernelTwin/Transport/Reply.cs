using Fuse4fs.KernelTwin.Tracing;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Transport;

/// <summary>What the waiting caller gets.</summary>
internal sealed record Reply(Errno Error, byte[] Body, TraceEntry Entry)
{
    public bool IsOk => Error == Errno.Ok;

    public T As<T>(int offset = 0) where T : unmanaged => WireBytes.Read<T>(Body, offset);
}

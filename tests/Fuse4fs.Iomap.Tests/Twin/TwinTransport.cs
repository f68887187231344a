using Fuse4fs.Fuse;
using Fuse4fs.KernelTwin.Transport;
using Fuse4fs.Linux;

namespace Fuse4fs.Iomap.Tests.Twin;

/// <summary>The twin's /dev/fuse as the server's transport.</summary>
public sealed unsafe class TwinTransport(IFuseDevice device) : IFuseTransport
{
    /// <inheritdoc/>
    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        length = device.Read(buffer);
        if (length > 0)
        {
            return ReadOutcome.Request;
        }
        Errno error = (Errno)(-length);
        length = 0;
        return error switch
        {
            Errno.NoDevice or Errno.ConnectionAborted => ReadOutcome.Ended,
            Errno.Interrupted or Errno.NoEntry => ReadOutcome.Retry,
            _ => ReadOutcome.Failed,
        };
    }

    /// <inheritdoc/>
    public Errno Write(ReadOnlySpan<byte> message)
    {
        int result = device.Write(message);
        return result < 0 ? (Errno)(-result) : Errno.Ok;
    }

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces)
    {
        var message = new List<byte>();
        foreach (IoVector piece in pieces)
        {
            message.AddRange(new ReadOnlySpan<byte>(piece.Base, (int)piece.Length));
        }
        return Write(message.ToArray());
    }

    /// <inheritdoc/>
    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        result = device.Ioctl(request, argument);
        return result < 0 ? (Errno)(-result) : Errno.Ok;
    }

    /// <inheritdoc/>
    public Errno Clone(out IFuseTransport? clone)
    {
        clone = new TwinTransport(device.Clone());
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Dispose() => device.Dispose();
}

using Fuse4fs.Fuse;
using Fuse4fs.Linux;

namespace Fuse4fs.Testing;

/// <summary>A kernel that asks nothing, takes everything and does nothing with it.</summary>
public sealed class SilentTransport : IFuseTransport
{
    /// <inheritdoc/>
    public ReadOutcome Read(Span<byte> buffer, out int length)
    {
        length = 0;
        return ReadOutcome.Ended;
    }

    /// <inheritdoc/>
    public Errno Write(ReadOnlySpan<byte> message) => Errno.Ok;

    /// <inheritdoc/>
    public Errno WriteVectors(ReadOnlySpan<IoVector> pieces) => Errno.Ok;

    /// <summary>Gives a backing device the first number.</summary>
    public Errno Ioctl(uint request, Span<byte> argument, out int result)
    {
        result = 1;
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public Errno Clone(out IFuseTransport? clone)
    {
        clone = this;
        return Errno.Ok;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}

namespace Fuse4fs.KernelTwin.Transport;

/// <summary>/dev/fuse as a server sees it. Results below zero are negative errnos.</summary>
public interface IFuseDevice : IDisposable
{
    /// <summary>Waits for a request and copies it.</summary>
    /// <returns>Its length; -EINVAL: buffer too small; -EPERM: not mounted; -ENODEV: the connection has ended.</returns>
    int Read(Span<byte> buffer);

    /// <summary>Takes one reply or notification, header included.</summary>
    /// <returns>The length, or what write(2) fails with.</returns>
    int Write(ReadOnlySpan<byte> message);

    /// <summary>One of the ioctls of section 2.3.</summary>
    /// <param name="request">The request code.</param>
    /// <param name="argument">What the pointer points to, read and written; empty for those without argument.</param>
    /// <returns>The result, or a negative errno.</returns>
    int Ioctl(uint request, Span<byte> argument);

    /// <summary>A further descriptor of the same connection; a request is answered on the one it was read from.
    /// </summary>
    IFuseDevice Clone();
}

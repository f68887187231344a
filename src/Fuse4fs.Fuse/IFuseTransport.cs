using Fuse4fs.Linux;

namespace Fuse4fs.Fuse;

/// <summary>The way to and from the kernel: one descriptor of /dev/fuse, or a test that plays the kernel.</summary>
/// <remarks><see cref="Read"/> is called by one thread at a time; the other members by any, at any time before
/// Dispose.</remarks>
public interface IFuseTransport : IDisposable
{
    /// <summary>Blocks until there is a request or the connection ends, unless <see cref="TrySetBlocking"/> has told it
    /// not to.</summary>
    /// <param name="buffer">At least <c>max_write</c> + 4096 bytes.</param>
    /// <param name="length">Bytes of the request; 0 unless the outcome is Request.</param>
    ReadOutcome Read(Span<byte> buffer, out int length);

    /// <summary>Tells whether <see cref="Read"/> is to wait for a request. By the reading thread.</summary>
    /// <returns>False when this transport knows waiting reads only.</returns>
    bool TrySetBlocking(bool isBlocking) => false;

    /// <summary>Sends one message from contiguous memory.</summary>
    /// <returns>NoEntry when the request is no longer waited for (harmless); Invalid when the kernel finds the
    /// message wrong, its caller has then got EIO.</returns>
    Errno Write(ReadOnlySpan<byte> message);

    /// <summary>Sends one message gathered from pieces, which need not be managed memory.</summary>
    /// <returns>As <see cref="Write"/>; BadAddress when a piece cannot be read (a mapping of a shortened file).</returns>
    Errno WriteVectors(ReadOnlySpan<IoVector> pieces);

    /// <summary>Sends many messages of one length that lie behind each other: notifications. In any order.</summary>
    /// <param name="messages">The first one.</param>
    /// <param name="messageBytes">Length of each.</param>
    /// <param name="results">One for each message: what <see cref="Write"/> would have returned.</param>
    unsafe void WriteMessages(byte* messages, int messageBytes, Span<Errno> results)
    {
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Write(new ReadOnlySpan<byte>(messages + ((long)i * messageBytes), messageBytes));
        }
    }

    /// <summary>ioctl(2) on the connection.</summary>
    /// <param name="request">The command number, FUSE_DEV_IOC_*.</param>
    /// <param name="argument">What its third argument points to; may be empty.</param>
    /// <param name="result">The value returned when it succeeds.</param>
    Errno Ioctl(uint request, Span<byte> argument, out int result);

    /// <summary>Opens another way to the same connection, with a queue of its own for requests being worked on.</summary>
    /// <remarks>Replies go out where their request came in.</remarks>
    Errno Clone(out IFuseTransport? clone);
}

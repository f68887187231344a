using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Standard output as bytes, by write(2): unlike a file stream it leaves the position of a shared file right,
/// and unlike the console's stream it tells when the reader has gone.</summary>
internal sealed unsafe class StandardOutput : Stream
{
    private const int BufferBytes = 256 * 1024;

    private readonly FileDescriptor _descriptor = new(1, ownsHandle: false);

    private StandardOutput()
    {
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Buffered; dispose to flush.</summary>
    public static Stream Open() => new BufferedStream(new StandardOutput(), BufferBytes);

    /// <inheritdoc/>
    /// <exception cref="OutputClosedException">Nobody reads any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                nint count = LibC.Write(_descriptor, start + done, (nuint)(buffer.Length - done));
                Errno error = LibC.LastError;
                if (count >= 0)
                {
                    done += (int)count;
                }
                else if (error == Errno.BrokenPipe)
                {
                    throw new OutputClosedException();
                }
                else if (error != Errno.Interrupted)
                {
                    throw new IOException($"standard output: {ErrnoText.Of(error)}");
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}

using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Output;

/// <summary>Bytes to standard output or to a file, by write(2): unlike a file stream it leaves the position of a shared
/// file right, unlike the console's stream it tells when the reader has gone, and what goes wrong it says in words.
/// </summary>
internal sealed unsafe class RawOutput : Stream
{
    private const int StandardDescriptor = 1;
    private const int BufferBytes = 256 * 1024;
    private const int ReadableByAll = 0x1B6;

    private readonly FileDescriptor _descriptor;
    private readonly string _name;

    private RawOutput(FileDescriptor descriptor, string name)
    {
        _descriptor = descriptor;
        _name = name;
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

    /// <summary>Standard output, buffered; dispose to flush.</summary>
    public static Stream OpenStandard() =>
        new BufferedStream(new RawOutput(new FileDescriptor(StandardDescriptor, ownsHandle: false), "standard output"),
            BufferBytes);

    /// <summary>A file, emptied or new, buffered; dispose to flush.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sources">Files that are read meanwhile.</param>
    /// <exception cref="InspectionException">It cannot be opened, or is one of those; then it is as before.</exception>
    public static Stream Create(string path, params IEnumerable<string> sources)
    {
        FileDescriptor descriptor = LibC.Open(
            path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, ReadableByAll);
        Errno error = descriptor.IsInvalid ? LibC.LastError : Errno.Ok;
        FileStatus status = default;
        if (error == Errno.Ok)
        {
            error = LibC.Status(descriptor, out status);
        }
        if (error == Errno.Ok && sources.Any(source =>
            LibC.Status(source, out FileStatus other) == Errno.Ok && other.IsSameFile(in status)))
        {
            descriptor.Dispose();
            throw new InspectionException($"{path}: the archive would replace what it is made of");
        }
        if (error == Errno.Ok && status.FileType == FileStatus.Regular && LibC.FTruncate(descriptor, 0) != 0)
        {
            error = LibC.LastError;
        }
        if (error != Errno.Ok)
        {
            descriptor.Dispose();
            throw new InspectionException($"{path}: {ErrnoText.Of(error)}");
        }
        return new BufferedStream(new RawOutput(descriptor, path), BufferBytes);
    }

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
                    throw new IOException($"{_name}: {ErrnoText.Of(error)}");
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

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _descriptor.Dispose();
        base.Dispose(disposing);
    }
}

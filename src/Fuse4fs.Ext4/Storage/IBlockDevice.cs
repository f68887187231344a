namespace Fuse4fs.Ext4.Storage;

/// <summary>The seam under the engine: a file, a device, an overlay, a recording or failing device of a test.
/// All offsets and lengths are bytes from the start of the file system (an image's own offset is added inside).
/// Thread-safe. Every failure is a <see cref="DeviceException"/>; a short transfer is never reported as success.</summary>
public interface IBlockDevice : IDisposable
{
    /// <summary>Bytes that can be addressed.</summary>
    long LengthBytes { get; }

    /// <summary>True when writes are refused.</summary>
    bool IsReadOnly { get; }

    /// <summary>Bytes written since it was opened; 0 where nobody counts.</summary>
    long WrittenBytes => 0;

    /// <summary>Fills the whole buffer. Beyond <see cref="LengthBytes"/>: EIO.</summary>
    void Read(long offsetBytes, Span<byte> buffer);

    /// <summary>Tells that a range will be read soon, so that the medium can work on it meanwhile. Advice: what lies
    /// beyond the end, or cannot be had, is no error. Returns at once.</summary>
    void ReadAhead(long offsetBytes, long lengthBytes)
    {
    }

    /// <summary>Makes the next read of a range see what other machines wrote to a medium they share. Best effort.</summary>
    void Forget(long offsetBytes, long lengthBytes)
    {
    }

    /// <summary>Writes the whole buffer. Completed, not yet durable.</summary>
    void Write(long offsetBytes, ReadOnlySpan<byte> buffer);

    /// <summary>Writes the buffers one behind the other. Completed, not yet durable.</summary>
    void WriteVectored(long offsetBytes, ReadOnlySpan<ReadOnlyMemory<byte>> buffers);

    /// <summary>Returns when every write that completed before the call is durable.</summary>
    void Flush();

    /// <summary>Tells that a range is unused. Advice: not supported is success.</summary>
    void Discard(long offsetBytes, long lengthBytes);

    /// <summary>Makes a range read as zeros, by hole punching where possible.</summary>
    void WriteZeros(long offsetBytes, long lengthBytes);
}

using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>A block device as file data reaches it. Positions and lengths in bytes.</summary>
public interface IBlockStorage
{
    long LengthBytes { get; }

    /// <summary>Logical block size.</summary>
    int SectorBytes { get; }

    /// <summary>Whether a whole file-system block is written atomically.</summary>
    bool WritesAtomically { get; }

    /// <returns>Ok, EIO, or ENODEV when the device is gone.</returns>
    Errno Read(long offset, Span<byte> target);

    /// <inheritdoc cref="Read"/>
    Errno Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Makes all completed writes durable.</summary>
    Errno Flush();
}

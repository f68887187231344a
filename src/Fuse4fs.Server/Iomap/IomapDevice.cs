using Fuse4fs.Linux;

namespace Fuse4fs.Server.Iomap;

/// <summary>The block device that the kernel is to read and write.</summary>
/// <param name="Descriptor">Open for reading and, unless nothing is ever written, for writing.</param>
/// <param name="LengthBytes">Of the whole device.</param>
/// <param name="OffsetBytes">Where the volume begins on it.</param>
public sealed record IomapDevice(FileDescriptor Descriptor, long LengthBytes, long OffsetBytes)
{
    /// <summary>Largest write, bytes, that the device does as a whole or not at all; 0: none. Kernel: queue attribute
    /// atomic_write_unit_max_bytes.</summary>
    public int AtomicWriteBytes { get; init; }
}

using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>A device that writes blocks as a whole or not at all.</summary>
internal sealed class AtomicStorage(IBlockStorage inner) : IBlockStorage
{
    public long LengthBytes => inner.LengthBytes;

    public int SectorBytes => inner.SectorBytes;

    public bool WritesAtomically => true;

    public Errno Read(long offset, Span<byte> target) => inner.Read(offset, target);

    public Errno Write(long offset, ReadOnlySpan<byte> source) => inner.Write(offset, source);

    public Errno Flush() => inner.Flush();
}

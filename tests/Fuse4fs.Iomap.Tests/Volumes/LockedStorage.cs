using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.Iomap.Tests.Volumes;

/// <summary>One access at a time: the twin writes data while threads of the server write metadata.</summary>
internal sealed class LockedStorage(IBlockStorage inner) : IBlockStorage
{
    private readonly Lock _gate = new();

    /// <summary>Flushes so far: one, at most three, for each commit.</summary>
    public int Flushes { get; private set; }

    public long LengthBytes => inner.LengthBytes;

    public int SectorBytes => inner.SectorBytes;

    public bool WritesAtomically => inner.WritesAtomically;

    public Errno Read(long offset, Span<byte> target)
    {
        lock (_gate)
        {
            return inner.Read(offset, target);
        }
    }

    public Errno Write(long offset, ReadOnlySpan<byte> source)
    {
        lock (_gate)
        {
            return inner.Write(offset, source);
        }
    }

    public Errno Flush()
    {
        lock (_gate)
        {
            Flushes++;
            return inner.Flush();
        }
    }

    /// <summary>Does something while nobody writes.</summary>
    public T Quietly<T>(Func<T> look)
    {
        lock (_gate)
        {
            return look();
        }
    }
}

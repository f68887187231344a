using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>A device in memory. What nobody wrote is not zero, so that stale blocks are seen.</summary>
public sealed class MemoryStorage : IBlockStorage
{
    private const byte Stale = 0xDB;
    private readonly byte[] _bytes;

    public MemoryStorage(long lengthBytes, int sectorBytes = 512, bool writesAtomically = false)
    {
        _bytes = new byte[lengthBytes];
        Array.Fill(_bytes, Stale);
        SectorBytes = sectorBytes;
        WritesAtomically = writesAtomically;
    }

    public MemoryStorage(byte[] image)
    {
        _bytes = image;
        SectorBytes = 512;
    }

    public long LengthBytes => _bytes.Length;

    public int SectorBytes { get; }

    public bool WritesAtomically { get; }

    public byte[] Snapshot() => (byte[])_bytes.Clone();

    public Errno Read(long offset, Span<byte> target)
    {
        if (offset < 0 || offset + target.Length > _bytes.Length)
        {
            return Errno.EIO;
        }
        _bytes.AsSpan((int)offset, target.Length).CopyTo(target);
        return Errno.Ok;
    }

    public Errno Write(long offset, ReadOnlySpan<byte> source)
    {
        if (offset < 0 || offset + source.Length > _bytes.Length)
        {
            return Errno.EIO;
        }
        source.CopyTo(_bytes.AsSpan((int)offset));
        return Errno.Ok;
    }

    public Errno Flush() => Errno.Ok;
}

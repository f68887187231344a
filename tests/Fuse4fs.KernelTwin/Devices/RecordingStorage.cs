using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>Remembers every write and flush, and builds the images that a power cut could leave.</summary>
/// <remarks>The server's own metadata writes may be recorded here too: then data and metadata are in one order.
/// </remarks>
public sealed class RecordingStorage(IBlockStorage inner) : IBlockStorage
{
    private readonly List<(long Offset, byte[] Data)> _log = [];
    private readonly byte[] _initial = ReadAll(inner);

    public long LengthBytes => inner.LengthBytes;

    public int SectorBytes => inner.SectorBytes;

    public bool WritesAtomically => inner.WritesAtomically;

    /// <summary>Writes and flushes so far; a power cut can happen after each.</summary>
    public int Events => _log.Count;

    public Errno Read(long offset, Span<byte> target) => inner.Read(offset, target);

    public Errno Write(long offset, ReadOnlySpan<byte> source)
    {
        Errno error = inner.Write(offset, source);
        if (error == Errno.Ok)
        {
            _log.Add((offset, source.ToArray()));
        }
        return error;
    }

    public Errno Flush()
    {
        Errno error = inner.Flush();
        if (error == Errno.Ok)
        {
            _log.Add((-1, []));
        }
        return error;
    }

    /// <summary>All events before the last flush at or below the cut, and any of the sectors written after it.</summary>
    public byte[] AfterPowerCut(int events, Random random)
    {
        byte[] image = (byte[])_initial.Clone();
        int durable = _log.FindLastIndex(Math.Max(0, events - 1), Math.Min(events, _log.Count), entry => entry.Offset < 0);
        for (int index = 0; index < Math.Min(events, _log.Count); index++)
        {
            (long offset, byte[] data) = _log[index];
            for (int at = 0; at < data.Length; at += SectorBytes)
            {
                if (index < durable || random.Next(2) == 0)
                {
                    int length = Math.Min(SectorBytes, data.Length - at);
                    data.AsSpan(at, length).CopyTo(image.AsSpan((int)(offset + at)));
                }
            }
        }
        return image;
    }

    private static byte[] ReadAll(IBlockStorage storage)
    {
        byte[] image = new byte[storage.LengthBytes];
        Errno error = storage.Read(0, image);
        return error == Errno.Ok ? image : throw new IOException($"reading the device: {error}");
    }
}

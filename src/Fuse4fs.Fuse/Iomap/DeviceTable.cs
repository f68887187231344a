using System.Runtime.CompilerServices;

namespace Fuse4fs.Fuse.Iomap;

/// <summary>Devices and stripe sets that the kernel knows, with their lengths. Few, and looked at with every mapping:
/// readers take no lock.</summary>
internal sealed class DeviceTable
{
    private readonly Lock _gate = new();
    private volatile Entry[] _entries = [];

    public void Add(BackingId id, long lengthBytes)
    {
        lock (_gate)
        {
            _entries = [.. _entries, new Entry(id, lengthBytes)];
        }
    }

    public void Remove(BackingId id)
    {
        lock (_gate)
        {
            _entries = [.. _entries.Where(entry => entry.Id != id)];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(BackingId id, out long lengthBytes)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Id == id)
            {
                lengthBytes = entry.LengthBytes;
                return true;
            }
        }
        lengthBytes = 0;
        return false;
    }

    private readonly record struct Entry(BackingId Id, long LengthBytes);
}

using Fuse4fs.KernelTwin.Devices;
using Fuse4fs.KernelTwin.Wire;

namespace Fuse4fs.KernelTwin.Mounting;

/// <summary>Devices and stripe sets that the server has registered. Sections 2.3 and 11.</summary>
internal sealed class BackingTable
{
    private const uint MostDevices = 1024;
    private const uint FirstStripe = 2048;
    private const uint LastStripe = 3072;
    private readonly Dictionary<uint, BackingDevice> _devices = [];
    private readonly Dictionary<uint, StripeSet> _stripes = [];

    /// <summary>Device ranges whose cache the server had dropped.</summary>
    public List<(uint Device, ulong Offset, ulong Length)> Dropped { get; } = [];

    public IEnumerable<BackingDevice> Devices => _devices.Values;

    public int Add(BackingDescriptor descriptor)
    {
        for (uint id = 1; id <= MostDevices; id++)
        {
            if (_devices.TryAdd(id, new BackingDevice(id, descriptor)))
            {
                return (int)id;
            }
        }
        return -(int)Errno.ENOSPC;
    }

    public int AddStripes(long width, IReadOnlyList<(BackingDevice Device, ulong Address)> strips)
    {
        for (uint id = FirstStripe; id <= LastStripe; id++)
        {
            if (_stripes.TryAdd(id, new StripeSet(id, width, strips)))
            {
                return (int)id;
            }
        }
        return -(int)Errno.ENOSPC;
    }

    public BackingDevice? Device(uint id) => _devices.GetValueOrDefault(id);

    public StripeSet? Stripes(uint id) => _stripes.GetValueOrDefault(id);

    /// <summary>Forgets a device or a stripe set; a device that is part of a set stays alive in it.</summary>
    public bool Remove(uint id) => _devices.Remove(id) || _stripes.Remove(id);

    public bool Contains(uint id) => _devices.ContainsKey(id) || _stripes.ContainsKey(id);
}

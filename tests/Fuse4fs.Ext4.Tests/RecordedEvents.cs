using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Storage;

namespace Fuse4fs.Ext4.Tests;

/// <summary>Keeps what the engine reports.</summary>
internal sealed class RecordedEvents : IEngineEvents
{
    private readonly List<string> _warnings = [];

    public IReadOnlyList<string> Warnings
    {
        get
        {
            lock (_warnings)
            {
                return [.. _warnings];
            }
        }
    }

    public void Damage(Ext4CorruptException damage, InodeNumber inode)
    {
    }

    public void Warning(string message)
    {
        lock (_warnings)
        {
            _warnings.Add(message);
        }
    }

    public void DeviceFailed(DeviceException failure)
    {
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>For callers that look at results alone.</summary>
public sealed class SilentEvents : IEngineEvents
{
    public static readonly SilentEvents Instance = new();

    /// <inheritdoc/>
    public void Damage(Ext4CorruptException damage, InodeNumber inode)
    {
    }

    /// <inheritdoc/>
    public void Warning(string message)
    {
    }

    /// <inheritdoc/>
    public void DeviceFailed(DeviceException failure)
    {
    }
}

using Fuse4fs.Ext4.Format;

namespace Fuse4fs.Ext4.Storage;

/// <summary>Where the engine reports what its callers' return values cannot say. Thread-safe; never blocks for long and
/// never calls back into the engine.</summary>
public interface IEngineEvents
{
    /// <summary>A structure of the image is damaged.</summary>
    /// <param name="damage">What and where.</param>
    /// <param name="inode">The inode concerned, or <see cref="InodeNumber.None"/>.</param>
    void Damage(Ext4CorruptException damage, InodeNumber inode);

    /// <summary>Something the user should know; one sentence.</summary>
    void Warning(string message);

    /// <summary>The medium failed.</summary>
    void DeviceFailed(DeviceException failure);

    /// <summary>Damage was found and recorded, and errors=panic wants that nobody uses the volume any more.</summary>
    void MustStop()
    {
    }
}

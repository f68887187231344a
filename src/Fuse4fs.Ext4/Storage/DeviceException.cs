using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Storage;

/// <summary>The device failed a read, write or flush. Not damage: the medium, not the structure.</summary>
public sealed class DeviceException(Errno error, string operation) : IOException($"{operation}: {error}")
{
    /// <summary>What the system call said; EIO for an end of file.</summary>
    public Errno Error { get; } = error;
}

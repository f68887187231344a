namespace Fuse4fs.Server.Mounting;

/// <summary>iomap=: whether the kernel is to read and write file data on the device itself (fuse-iomap).</summary>
public enum IomapChoice
{
    /// <summary>Where the kernel offers it to this mount; else data passes through the server.</summary>
    Automatic,

    /// <summary>The mount fails where it is not to be had.</summary>
    On,
    Off,
}

namespace Fuse4fs.KernelTwin.Devices;

/// <summary>An open file descriptor of the server, as far as registering it goes.</summary>
/// <param name="Storage">The block device; null: not a block device.</param>
/// <param name="CanRead">FMODE_READ.</param>
/// <param name="CanWrite">FMODE_WRITE.</param>
/// <param name="IsExclusive">Opened with O_EXCL.</param>
public sealed record BackingDescriptor(
    IBlockStorage? Storage, bool CanRead = true, bool CanWrite = true, bool IsExclusive = true);

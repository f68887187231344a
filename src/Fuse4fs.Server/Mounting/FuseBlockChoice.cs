namespace Fuse4fs.Server.Mounting;

/// <summary>fuseblk=: the mount type for block devices. Of type fuseblk the kernel waits for the server at unmount and
/// offers swap files; the mount table then shows fuseblk.SUBTYPE.</summary>
public enum FuseBlockChoice
{
    /// <summary>fuseblk for root and a block device, unless a mount helper asked for the type fuse.</summary>
    Automatic,
    On,
    Off,
}

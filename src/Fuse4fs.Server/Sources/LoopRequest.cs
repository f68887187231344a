namespace Fuse4fs.Server.Sources;

/// <summary>Requests of ioctl(2) that loop devices and /dev/loop-control answer. Source: linux/loop.h.</summary>
internal static class LoopRequest
{
    /// <summary>LOOP_CTL_GET_FREE: the number of a device that is free, or was a moment ago.</summary>
    public const uint GetFree = 0x4C82;

    /// <summary>LOOP_CONFIGURE: attaches with everything set at once; takes a <see cref="LoopConfiguration"/>.</summary>
    public const uint Configure = 0x4C0A;
}

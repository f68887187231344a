namespace Fuse4fs.Server.Control;

/// <summary>ioctl commands on a mount's root directory: they travel through the mount itself, so no socket, name or
/// namespace can lead to the wrong server, and they work where its socket cannot be seen. What belongs to the mounted
/// tree goes this way; what is about the server goes over its socket (<see cref="ControlServer"/>), and where it has none
/// its status comes this way too. Encoded as _IO and _IOR of asm-generic/ioctl.h with the type 0xf4.</summary>
internal static class ControlCommands
{
    private const uint Type = 0xf4 << 8;
    private const uint Reads = 2u << 30;

    /// <summary>Answered with a <see cref="MountIdentity"/>.</summary>
    public const uint Identify = Reads | (MountIdentity.Bytes << 16) | Type | 1;

    /// <summary>Returns when everything the server knows is durable.</summary>
    public const uint Sync = Type | 2;

    /// <summary>Answered with a <see cref="ServerStatus"/> as the socket gives it, JSON filled up with zero bytes.</summary>
    public const uint Status = Reads | (StatusBytes << 16) | Type | 3;

    /// <summary>The most an ioctl number can declare, in whole words.</summary>
    public const uint StatusBytes = 16380;
}

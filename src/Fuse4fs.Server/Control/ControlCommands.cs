namespace Fuse4fs.Server.Control;

/// <summary>ioctl commands on a mount's root directory: they travel through the mount itself, so no socket, name or
/// namespace can lead to the wrong server, and they work where its socket cannot be seen. What belongs to the mounted
/// tree goes this way; what is about the server goes over its socket (<see cref="ControlServer"/>). Encoded as _IO and
/// _IOR of asm-generic/ioctl.h with the type 0xf4.</summary>
internal static class ControlCommands
{
    private const uint Type = 0xf4 << 8;
    private const uint Reads = 2u << 30;

    /// <summary>Answered with a <see cref="MountIdentity"/>.</summary>
    public const uint Identify = Reads | (MountIdentity.Bytes << 16) | Type | 1;

    /// <summary>Returns when everything the server knows is durable.</summary>
    public const uint Sync = Type | 2;
}

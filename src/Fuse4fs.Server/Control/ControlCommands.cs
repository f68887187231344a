namespace Fuse4fs.Server.Control;

/// <summary>ioctl commands on a mount's root directory by which our own command talks to the server of that mount: they
/// travel through the mount itself, so no socket, name or namespace can lead to the wrong server. Encoded as _IO,
/// _IOR and _IOW of asm-generic/ioctl.h with the type 0xf4.</summary>
internal static class ControlCommands
{
    private const uint Type = 0xf4 << 8;
    private const uint Writes = 1u << 30;
    private const uint Reads = 2u << 30;

    /// <summary>Answered with a <see cref="ControlStatus"/>.</summary>
    public const uint Status = Reads | (ControlStatus.Bytes << 16) | Type | 1;

    /// <summary>Returns when everything the server knows is durable.</summary>
    public const uint Sync = Type | 2;

    /// <summary>Takes a 32-bit <see cref="ShutdownMode"/>; root and the server's own user may.</summary>
    public const uint Shutdown = Writes | (4 << 16) | Type | 3;
}

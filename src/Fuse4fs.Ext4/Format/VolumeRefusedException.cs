namespace Fuse4fs.Ext4.Format;

/// <summary>A volume cannot be opened; the message is one sentence for the user.</summary>
public sealed class VolumeRefusedException(VolumeRefusal reason, string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>What kind of refusal.</summary>
    public VolumeRefusal Reason { get; } = reason;
}

namespace Fuse4fs.Ext4.Delegation;

/// <summary>Where a stretch of a file is. In bytes, whole blocks.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="OffsetBytes">Within the file.</param>
/// <param name="LengthBytes">At least a block.</param>
/// <param name="DeviceOffsetBytes">Where it begins on the volume's device; -1 without blocks.</param>
/// <param name="IsTail">Holds the file's stored end, or lies behind it, and is written already: data may be put there
/// without any change of the map, so its writing must be reported even so, for the sake of the size.</param>
public readonly record struct DelegatedMapping(
    DelegatedKind Kind, long OffsetBytes, long LengthBytes, long DeviceOffsetBytes, bool IsTail)
{
    /// <summary>In place of a device offset.</summary>
    public const long NoDeviceOffset = -1;

    /// <summary>First byte behind it.</summary>
    public long EndBytes => OffsetBytes + LengthBytes;

    /// <summary>Blocks of the device are in use.</summary>
    public bool HasBlocks => Kind is DelegatedKind.Written or DelegatedKind.Unwritten;
}

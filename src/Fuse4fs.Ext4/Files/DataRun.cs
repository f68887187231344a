namespace Fuse4fs.Ext4.Files;

/// <summary>A stretch of a file's data on the device.</summary>
/// <param name="DeviceOffsetBytes">Where it begins on the volume's device; <see cref="Zeros"/> for a hole.</param>
/// <param name="LengthBytes">At least 1.</param>
public readonly record struct DataRun(long DeviceOffsetBytes, int LengthBytes)
{
    /// <summary>In place of an offset: these bytes are zeros.</summary>
    public const long Zeros = -1;

    public bool IsZeros => DeviceOffsetBytes == Zeros;
}

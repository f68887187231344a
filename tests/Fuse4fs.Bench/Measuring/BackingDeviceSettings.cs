using System.Globalization;

namespace Fuse4fs.Bench.Measuring;

/// <summary>Read-ahead and dirty limits of one mount: they decide sequential figures too.</summary>
/// <param name="ReadAheadKib">read_ahead_kb.</param>
/// <param name="MaximumDirtyPercent">max_ratio: share of the machine's dirty limit this mount may use.</param>
/// <param name="IsStrict">strict_limit.</param>
internal readonly record struct BackingDeviceSettings(int ReadAheadKib, int MaximumDirtyPercent, bool IsStrict)
{
    /// <summary>The settings as the mount has them; null where there is no bdi.</summary>
    public static BackingDeviceSettings? Of(string mountPoint)
    {
        string directory = $"/sys/class/bdi/{MountTable.DeviceOf(mountPoint)}";
        return Directory.Exists(directory)
            ? new BackingDeviceSettings(
                Number(directory, "read_ahead_kb"),
                Number(directory, "max_ratio"),
                Number(directory, "strict_limit") != 0)
            : null;
    }

    /// <summary>Changes one setting of a mount.</summary>
    public static void Set(string mountPoint, string name, int value)
    {
        string path = $"/sys/class/bdi/{MountTable.DeviceOf(mountPoint)}/{name}";
        File.WriteAllText(path, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"read-ahead {ReadAheadKib} KiB, max_ratio {MaximumDirtyPercent}{(IsStrict ? ", strict" : "")}";

    private static int Number(string directory, string name)
    {
        string path = Path.Combine(directory, name);
        return File.Exists(path) ? int.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture) : 0;
    }
}

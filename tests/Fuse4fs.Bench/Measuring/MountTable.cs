namespace Fuse4fs.Bench.Measuring;

/// <summary>What is mounted where, as /proc/self/mountinfo tells.</summary>
internal static class MountTable
{
    private const int DeviceField = 2;
    private const int PathField = 4;

    /// <summary>True when something is mounted exactly there.</summary>
    public static bool Contains(string mountPoint) => DeviceOf(mountPoint) is not null;

    /// <summary>The mount's device as MAJOR:MINOR, which also names its bdi.</summary>
    public static string? DeviceOf(string mountPoint)
    {
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] fields = line.Split(' ');
            if (fields[PathField] == mountPoint)
            {
                return fields[DeviceField];
            }
        }
        return null;
    }
}

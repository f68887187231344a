using System.Globalization;

namespace Fuse4fs.Fuse.Uring;

/// <summary>CPUs of the machine as sysfs lists them.</summary>
internal static class CpuList
{
    private const string Root = "/sys/devices/system/cpu/";

    /// <summary>CPUs that may ever be there: the kernel has a queue for each.</summary>
    public static int[] Possible() => Parse(File.ReadAllText(Root + "possible"));

    /// <summary>CPUs that are there.</summary>
    public static int[] Online() => Parse(File.ReadAllText(Root + "online"));

    /// <summary>Understands "0-3,8,10-11".</summary>
    internal static int[] Parse(string list)
    {
        var all = new List<int>();
        foreach (string range in list.Trim().Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            int first = int.Parse(ends[0], CultureInfo.InvariantCulture);
            int last = int.Parse(ends[^1], CultureInfo.InvariantCulture);
            for (int cpu = first; cpu <= last; cpu++)
            {
                all.Add(cpu);
            }
        }
        return [.. all];
    }
}

using System.Globalization;
using Fuse4fs.Fuse.Mounting;

namespace Fuse4fs.Server.Opens;

/// <summary>How much written data the kernel keeps before it makes writers wait: a share of the machine's limit.
/// </summary>
/// <remarks>Kernel: balance_dirty_pages, wb_thresh; the share of a FUSE mount is 1 % and strict unless root changes
/// it.</remarks>
internal static class DirtyLimit
{
    private const int PageBytes = 4096;
    private const ulong DefaultPercent = 1;

    /// <summary>Taken where the kernel does not tell.</summary>
    private const ulong DefaultThresholdBytes = 4UL << 30;

    /// <summary>Bytes, with a quarter more for what is on its way.</summary>
    public static ulong Of(string mountPoint)
    {
        ulong percent = DefaultPercent;
        if (MountTable.Find(mountPoint) is { } mount
            && ulong.TryParse(Read($"/sys/class/bdi/{mount.Device}/max_ratio"), CultureInfo.InvariantCulture, out ulong ratio))
        {
            percent = Math.Clamp(ratio, DefaultPercent, 100);
        }
        return ThresholdBytes() / 100 * percent / 4 * 5;
    }

    private static ulong ThresholdBytes()
    {
        const string name = "nr_dirty_threshold ";
        foreach (string line in (Read("/proc/vmstat") ?? "").Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal)
                && ulong.TryParse(line.AsSpan(name.Length), CultureInfo.InvariantCulture, out ulong pages))
            {
                return pages * PageBytes;
            }
        }
        return DefaultThresholdBytes;
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

using System.Globalization;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sources;

/// <summary>Whether a block device writes so much as a whole or not at all.</summary>
internal static class AtomicWrites
{
    /// <summary>The largest such write, bytes; 0: the device does not promise it. Kernel: queue attribute
    /// atomic_write_unit_max_bytes.</summary>
    public static int LargestOf(string device)
    {
        if (LibC.Status(device, out FileStatus status) != Errno.Ok)
        {
            return 0;
        }
        string own = string.Create(CultureInfo.InvariantCulture,
            $"/sys/dev/block/{status.RawDeviceMajor}:{status.RawDeviceMinor}/");
        // A partition has no queue of its own.
        return Read(own + "queue/atomic_write_unit_max_bytes") ?? Read(own + "../queue/atomic_write_unit_max_bytes") ?? 0;
    }

    private static int? Read(string path)
    {
        try
        {
            return File.Exists(path)
                && int.TryParse(File.ReadAllText(path), NumberStyles.Integer, CultureInfo.InvariantCulture, out int bytes)
                ? bytes
                : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

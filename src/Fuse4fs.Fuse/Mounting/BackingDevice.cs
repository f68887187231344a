using System.Globalization;
using Fuse4fs.Linux;

namespace Fuse4fs.Fuse.Mounting;

/// <summary>What the kernel's memory management knows of a mount: /sys/class/bdi/MAJOR:MINOR. Needs root of the
/// machine; without it the kernel's defaults stay.</summary>
public sealed class BackingDevice
{
    private const string Root = "/sys/class/bdi/";

    /// <summary>With block mappings in force the kernel gives the mount a second one, without limits of its own.</summary>
    private const string IomapSuffix = "-fuse.iomap";

    private readonly string _directory;

    private BackingDevice(string directory) => _directory = directory;

    /// <summary>Finds it without touching the mount.</summary>
    /// <returns>Null when there is no such mount, or no sysfs.</returns>
    public static BackingDevice? Find(string mountPoint)
    {
        if (MountTable.Find(mountPoint) is not { } entry)
        {
            return null;
        }
        string plain = Root + entry.Device;
        return Directory.Exists(plain + IomapSuffix) ? new BackingDevice(plain + IomapSuffix)
            : Directory.Exists(plain) ? new BackingDevice(plain) : null;
    }

    /// <summary>Sets the size of read-ahead. A FUSE mount starts with 128 KiB; more makes fewer, larger READs.</summary>
    /// <remarks>After the session has started: INIT lowers it again.</remarks>
    public Errno SetReadAhead(int kilobytes) => Write("read_ahead_kb", kilobytes);

    /// <summary>Sets the share of the machine's dirty memory that may belong to this mount. FUSE starts with 1.</summary>
    public Errno SetMaxDirtyRatio(int percent) => Write("max_ratio", percent);

    /// <summary>Sets whether that share holds even when memory is plentiful.</summary>
    public Errno SetStrictLimit(bool isStrict) => Write("strict_limit", isStrict ? 1 : 0);

    private Errno Write(string name, int value)
    {
        try
        {
            File.WriteAllText(Path.Combine(_directory, name), value.ToString(CultureInfo.InvariantCulture));
            return Errno.Ok;
        }
        catch (UnauthorizedAccessException)
        {
            return Errno.AccessDenied;
        }
        catch (FileNotFoundException)
        {
            return Errno.NoEntry;
        }
        catch (IOException)
        {
            return Errno.InputOutput;
        }
    }
}

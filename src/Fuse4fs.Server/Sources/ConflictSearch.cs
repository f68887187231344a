using System.Globalization;
using Fuse4fs.Fuse.Mounting;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Sources;

/// <summary>Finds who else uses an image or device: the kernel through a mount or a loop device, or another process
/// through a lock. Names it, so that the person who mounts knows what to end.</summary>
internal static class ConflictSearch
{
    private const string BlockFolder = "/sys/block";

    /// <summary>The mount of a block device, by the kernel or by us as fuseblk; null when there is none here.</summary>
    public static MountEntry? MountOf(in FileStatus device)
    {
        string number = string.Create(CultureInfo.InvariantCulture, $"{device.RawDeviceMajor}:{device.RawDeviceMinor}");
        return MountOfNumber(number);
    }

    /// <summary>Loop devices whose backing file is this image.</summary>
    public static List<LoopDevice> LoopDevicesOf(in FileStatus image)
    {
        var devices = new List<LoopDevice>();
        if (!Directory.Exists(BlockFolder))
        {
            return devices;
        }
        foreach (string folder in Directory.EnumerateDirectories(BlockFolder, "loop*"))
        {
            string? backing = ReadLine(Path.Combine(folder, "loop/backing_file"));
            if (backing is not null && LibC.Status(backing, out FileStatus status) == Errno.Ok
                && status.IsSameFile(in image))
            {
                string name = Path.GetFileName(folder);
                devices.Add(new LoopDevice("/dev/" + name, ReadLine(Path.Combine(folder, "ro")) == "1",
                    MountOfNumber(ReadLine(Path.Combine(folder, "dev")))));
            }
        }
        return devices;
    }

    /// <summary>The backing file of a loop device; null for any other device.</summary>
    public static string? BackingFileOf(in FileStatus device) => ReadLine(string.Create(CultureInfo.InvariantCulture,
        $"/sys/dev/block/{device.RawDeviceMajor}:{device.RawDeviceMinor}/loop/backing_file"));

    /// <summary>A process that holds a lock on a file, as "name (process N)"; null when it cannot be seen.</summary>
    public static string? LockHolderOf(in FileStatus file)
    {
        string place = string.Create(CultureInfo.InvariantCulture,
            $"{file.DeviceMajor:x2}:{file.DeviceMinor:x2}:{file.Inode}");
        try
        {
            foreach (string line in File.ReadLines("/proc/locks"))
            {
                // number: kind ADVISORY mode pid major:minor:inode start end
                string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length >= 6 && fields[1] != "->" && fields[5] == place
                    && int.TryParse(fields[4], CultureInfo.InvariantCulture, out int process) && process > 0)
                {
                    string name = ReadLine($"/proc/{process}/comm") ?? "a process";
                    return $"{name} (process {process})";
                }
            }
        }
        catch (IOException)
        {
            // Without /proc/locks the holder stays unnamed.
        }
        return null;
    }

    private static MountEntry? MountOfNumber(string? number) =>
        MountTable.Read().FirstOrDefault(entry => entry.Device == number);

    private static string? ReadLine(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).TrimEnd('\n') : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

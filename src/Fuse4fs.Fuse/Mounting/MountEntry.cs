namespace Fuse4fs.Fuse.Mounting;

/// <summary>One line of /proc/self/mountinfo.</summary>
/// <param name="Id">Number of the mount.</param>
/// <param name="Device">major:minor, as /sys/class/bdi names it.</param>
/// <param name="MountPoint">Where it is.</param>
/// <param name="Type">Such as fuse.ext4.</param>
/// <param name="Source">What is mounted.</param>
/// <param name="Options">Options of the mount, comma, options of the file system.</param>
public sealed record MountEntry(
    int Id, string Device, string MountPoint, string Type, string Source, string Options);

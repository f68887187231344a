namespace Fuse4fs.Ext4.Quota;

/// <summary>What one user, group or project has and may have, and where the file says so.</summary>
/// <param name="leaf">Block of the quota file, of 1 KiB.</param>
/// <param name="offset">Byte within it.</param>
internal sealed class QuotaUsage(uint leaf, int offset)
{
    /// <summary>Block of the quota file, of 1 KiB.</summary>
    public uint Leaf { get; } = leaf;

    /// <summary>Byte within <see cref="Leaf"/>.</summary>
    public int Offset { get; } = offset;

    public ulong SpaceBytes { get; set; }

    public ulong Inodes { get; set; }

    /// <summary>Bytes; 0 for none.</summary>
    public ulong SpaceHardLimit { get; init; }

    /// <summary>Bytes; 0 for none.</summary>
    public ulong SpaceSoftLimit { get; init; }

    /// <summary>0 for none.</summary>
    public ulong InodeHardLimit { get; init; }

    /// <summary>0 for none.</summary>
    public ulong InodeSoftLimit { get; init; }

    /// <summary>Seconds; 0 while below the soft limit.</summary>
    public ulong SpaceDeadline { get; set; }

    /// <summary>Seconds; 0 while below the soft limit.</summary>
    public ulong InodeDeadline { get; set; }
}

namespace Fuse4fs.Ext4;

/// <summary>What statfs(2) shows of a volume, as kernel ext4 would.</summary>
public readonly record struct VolumeStatistics
{
    /// <summary>f_bsize and f_frsize.</summary>
    public int BlockSizeBytes { get; init; }

    /// <summary>f_blocks: without the overhead of the format, unless minixdf asks for it.</summary>
    public ulong Blocks { get; init; }

    /// <summary>f_bfree.</summary>
    public ulong FreeBlocks { get; init; }

    /// <summary>f_bavail: free for everybody, not only for the reserve's owner.</summary>
    public ulong AvailableBlocks { get; init; }

    /// <summary>Free for the reserve's owner too: all but what is kept back for metadata.</summary>
    public ulong PrivilegedBlocks { get; init; }

    /// <summary>f_files.</summary>
    public uint Inodes { get; init; }

    /// <summary>f_ffree and f_favail.</summary>
    public uint FreeInodes { get; init; }

    /// <summary>f_namelen.</summary>
    public int MaximumNameBytes { get; init; }

    /// <summary>f_fsid: both halves of the UUID, combined.</summary>
    public ulong FileSystemId { get; init; }

    /// <summary>As seen by a project: no more than its limits, and of what is free no more than they leave.</summary>
    internal VolumeStatistics Within((ulong SpaceLimit, ulong SpaceBytes, ulong InodeLimit, ulong Inodes) project)
    {
        VolumeStatistics seen = this;
        if (project.SpaceLimit > 0)
        {
            ulong limit = project.SpaceLimit / (ulong)BlockSizeBytes;
            ulong left = limit - Math.Min(limit, project.SpaceBytes / (ulong)BlockSizeBytes);
            seen = seen with
            {
                Blocks = Math.Min(Blocks, limit),
                FreeBlocks = Math.Min(FreeBlocks, left),
                AvailableBlocks = Math.Min(AvailableBlocks, left),
                PrivilegedBlocks = Math.Min(PrivilegedBlocks, left),
            };
        }
        if (project.InodeLimit > 0)
        {
            ulong left = project.InodeLimit - Math.Min(project.InodeLimit, project.Inodes);
            seen = seen with
            {
                Inodes = (uint)Math.Min(Inodes, project.InodeLimit),
                FreeInodes = (uint)Math.Min(FreeInodes, left),
            };
        }
        return seen;
    }
}

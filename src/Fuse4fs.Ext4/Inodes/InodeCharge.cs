namespace Fuse4fs.Ext4.Inodes;

/// <summary>What an inode is counted as: how much, and whose.</summary>
/// <param name="SpaceBytes">Its blocks, those of its map and attributes included.</param>
/// <param name="Inodes">1 and the values of its attributes that are in inodes; 0 while it is not in use.</param>
/// <param name="UserId">Its owner.</param>
/// <param name="GroupId">Its group.</param>
/// <param name="ProjectId">Its project.</param>
internal readonly record struct InodeCharge(ulong SpaceBytes, int Inodes, uint UserId, uint GroupId, uint ProjectId)
{
    private const int SectorShift = 9;

    /// <summary>What it is to be counted as now.</summary>
    public static InodeCharge Of(Inode inode) =>
        new(Math.Min(inode.Sectors, long.MaxValue >> SectorShift) << SectorShift, 1 + inode.ValueInodes,
            inode.UserId, inode.GroupId, inode.ProjectId);

    /// <summary>The same owners, and nothing.</summary>
    public InodeCharge Released => this with { SpaceBytes = 0, Inodes = 0 };
}

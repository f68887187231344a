namespace Fuse4fs.Ext4.Quota;

/// <summary>Whose limits are enforced: mount options usrquota, grpquota, prjquota. Usage is kept in any case.</summary>
[Flags]
public enum QuotaLimitKinds
{
    None = 0,
    User = 1 << QuotaKind.User,
    Group = 1 << QuotaKind.Group,
    Project = 1 << QuotaKind.Project,
}

namespace Fuse4fs.Ext4.Quota;

/// <summary>By whom space is counted.</summary>
public enum QuotaKind
{
    User,
    Group,
    Project,
}

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>One line of an ACL.</summary>
/// <param name="Tag">Whom it is about.</param>
/// <param name="Rights">Read 4, write 2, execute 1.</param>
/// <param name="Id">User or group number; meaningless for the other tags.</param>
internal record struct AclEntry(AclTag Tag, ushort Rights, uint Id)
{
    /// <summary>Has an id.</summary>
    public readonly bool IsNamed => Tag is AclTag.User or AclTag.Group;
}

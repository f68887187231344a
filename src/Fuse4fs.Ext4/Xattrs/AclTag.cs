namespace Fuse4fs.Ext4.Xattrs;

/// <summary>e_tag of an ACL entry: whom it is about. uapi: posix_acl.h.</summary>
internal enum AclTag : ushort
{
    /// <summary>The file's owner.</summary>
    UserObject = 0x01,

    /// <summary>A user by id.</summary>
    User = 0x02,

    /// <summary>The file's group.</summary>
    GroupObject = 0x04,

    /// <summary>A group by id.</summary>
    Group = 0x08,

    /// <summary>Upper bound for named users and all groups.</summary>
    Mask = 0x10,

    /// <summary>Everybody else.</summary>
    Other = 0x20,
}

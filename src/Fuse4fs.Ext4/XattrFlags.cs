namespace Fuse4fs.Ext4;

/// <summary>How an extended attribute is set: XATTR_* of setxattr(2), and what FUSE adds.</summary>
[Flags]
public enum XattrFlags : uint
{
    None = 0,

    /// <summary>It must not exist yet.</summary>
    Create = 1,

    /// <summary>It must exist.</summary>
    Replace = 2,

    /// <summary>With an access ACL: the caller is not in the file's group, so set-group-id goes. Kernel:
    /// FUSE_SETXATTR_ACL_KILL_SGID.</summary>
    DropSetGroupId = 0x10000,
}

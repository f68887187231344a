namespace Fuse4fs.Ext4.Xattrs;

/// <summary>e_name_index: which prefix an attribute's stored name lacks. Docs: ext4/attributes, "Attribute Name
/// Indices".</summary>
internal enum XattrIndex : byte
{
    None = 0,
    User = 1,
    AclAccess = 2,
    AclDefault = 3,
    Trusted = 4,
    Lustre = 5,
    Security = 6,

    /// <summary>system.data of inline files: not an attribute for users.</summary>
    System = 7,
    RichAcl = 8,

    /// <summary>The encryption context: not an attribute for users.</summary>
    Encryption = 9,
    Hurd = 10,
}

using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>An attribute's name as stored: a prefix by number, and the rest.</summary>
internal readonly ref struct XattrName
{
    /// <summary>Longest stored name, bytes; the prefix comes on top.</summary>
    public const int MaximumBytes = 255;

    /// <summary>The value of an inline file or directory beyond i_block: "system.data".</summary>
    public static XattrName InlineData => new(XattrIndex.System, "data"u8);

    /// <summary>The encryption context.</summary>
    public static XattrName EncryptionContext => new(XattrIndex.Encryption, "c"u8);

    /// <summary>The POSIX ACL that governs access.</summary>
    public static XattrName AclAccess => new(XattrIndex.AclAccess, default);

    /// <summary>The POSIX ACL that new entries of a directory inherit.</summary>
    public static XattrName AclDefault => new(XattrIndex.AclDefault, default);

    /// <summary>What programs may do without being root; dropped at writes.</summary>
    public static XattrName Capability => new(XattrIndex.Security, "capability"u8);

    internal XattrName(XattrIndex index, ReadOnlySpan<byte> suffix)
    {
        Index = index;
        Suffix = suffix;
    }

    public XattrIndex Index { get; }

    public ReadOnlySpan<byte> Suffix { get; }

    /// <summary>Stored in wire form differing from the disk's.</summary>
    public bool IsAcl => Index is XattrIndex.AclAccess or XattrIndex.AclDefault;

    /// <summary>The prefix users see, without the suffix; empty for attributes they do not see at all.</summary>
    public static ReadOnlySpan<byte> PrefixOf(XattrIndex index) => index switch
    {
        XattrIndex.User => "user."u8,
        XattrIndex.AclAccess => "system.posix_acl_access"u8,
        XattrIndex.AclDefault => "system.posix_acl_default"u8,
        XattrIndex.Trusted => "trusted."u8,
        XattrIndex.Security => "security."u8,
        XattrIndex.Hurd => "gnu."u8,
        _ => default,
    };

    /// <summary>Splits a full name.</summary>
    /// <param name="fullName">As users write it, as in "user.comment".</param>
    /// <param name="name">Valid only with Ok; refers to <paramref name="fullName"/>.</param>
    /// <returns>NotSupported for a name space ext4 does not have, Invalid without suffix, Range when too
    /// long.</returns>
    public static Errno TryParse(ReadOnlySpan<byte> fullName, out XattrName name)
    {
        name = default;
        foreach (XattrIndex index in (ReadOnlySpan<XattrIndex>)
            [XattrIndex.User, XattrIndex.Trusted, XattrIndex.Security, XattrIndex.Hurd])
        {
            ReadOnlySpan<byte> prefix = PrefixOf(index);
            if (fullName.StartsWith(prefix))
            {
                name = new XattrName(index, fullName[prefix.Length..]);
                if (name.Suffix.IsEmpty)
                {
                    return Errno.Invalid;
                }
                return name.Suffix.Length > MaximumBytes ? Errno.Range : Errno.Ok;
            }
        }
        if (fullName.SequenceEqual(PrefixOf(XattrIndex.AclAccess)))
        {
            name = AclAccess;
            return Errno.Ok;
        }
        if (fullName.SequenceEqual(PrefixOf(XattrIndex.AclDefault)))
        {
            name = AclDefault;
            return Errno.Ok;
        }
        return Errno.NotSupported;
    }
}

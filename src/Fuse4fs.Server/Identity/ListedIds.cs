using System.Buffers.Binary;
using Fuse4fs.Linux;

namespace Fuse4fs.Server.Identity;

/// <summary>The users and groups that an access control list names, in the form of the extended attributes
/// system.posix_acl_*: a version, then entries of tag, permissions and id, little-endian. Kernel:
/// struct posix_acl_xattr_entry.</summary>
internal static class ListedIds
{
    private const int HeaderBytes = 4;
    private const int EntryBytes = 8;
    private const int IdOffset = 4;

    /// <summary>ACL_USER and ACL_GROUP: the tags of entries whose id counts.</summary>
    private const ushort User = 0x02, Group = 0x08;

    /// <summary>Turns the image's ids into the shown ones.</summary>
    public static void Show(ShownIds ids, Span<byte> list)
    {
        for (int at = HeaderBytes; at + EntryBytes <= list.Length; at += EntryBytes)
        {
            Span<byte> id = list[(at + IdOffset)..];
            uint image = BinaryPrimitives.ReadUInt32LittleEndian(id);
            switch (BinaryPrimitives.ReadUInt16LittleEndian(list[at..]))
            {
                case User: BinaryPrimitives.WriteUInt32LittleEndian(id, ids.User(image)); break;
                case Group: BinaryPrimitives.WriteUInt32LittleEndian(id, ids.Group(image)); break;
            }
        }
    }

    /// <summary>Turns shown ids into the image's.</summary>
    /// <returns>Overflow when the image has no such id.</returns>
    public static Errno ToImage(ShownIds ids, Span<byte> list)
    {
        for (int at = HeaderBytes; at + EntryBytes <= list.Length; at += EntryBytes)
        {
            Span<byte> id = list[(at + IdOffset)..];
            uint shown = BinaryPrimitives.ReadUInt32LittleEndian(id);
            uint image = shown;
            bool isKnown = BinaryPrimitives.ReadUInt16LittleEndian(list[at..]) switch
            {
                User => ids.TryImageUser(shown, out image),
                Group => ids.TryImageGroup(shown, out image),
                _ => true,
            };
            if (!isKnown)
            {
                return Errno.Overflow;
            }
            BinaryPrimitives.WriteUInt32LittleEndian(id, image);
        }
        return Errno.Ok;
    }
}

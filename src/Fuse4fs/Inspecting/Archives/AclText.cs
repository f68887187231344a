using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Fuse4fs.Inspecting.Archives;

/// <summary>POSIX ACLs as archives carry them (SCHILY.acl.access, SCHILY.acl.default): "user::rwx,user:502:r-x,...".
/// </summary>
internal static class AclText
{
    private const uint Version = 2;
    private const int HeaderBytes = 4;
    private const int EntryBytes = 8;

    /// <summary>Turns the form of getxattr(2) into text; null when it is none.</summary>
    /// <remarks>Kernel: struct posix_acl_xattr_header, posix_acl_xattr_entry.</remarks>
    public static byte[]? Of(ReadOnlySpan<byte> wire)
    {
        if (wire.Length < HeaderBytes || (wire.Length - HeaderBytes) % EntryBytes != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(wire) != Version)
        {
            return null;
        }
        var text = new StringBuilder();
        for (ReadOnlySpan<byte> rest = wire[HeaderBytes..]; !rest.IsEmpty; rest = rest[EntryBytes..])
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(rest);
            ushort permissions = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
            string id = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]).ToString(CultureInfo.InvariantCulture);
            string? who = tag switch
            {
                0x01 => "user::",
                0x02 => $"user:{id}:",
                0x04 => "group::",
                0x08 => $"group:{id}:",
                0x10 => "mask::",
                0x20 => "other::",
                _ => null,
            };
            if (who is null)
            {
                return null;
            }
            text.Append(text.Length == 0 ? "" : ",").Append(who);
            text.Append((permissions & 4) != 0 ? 'r' : '-');
            text.Append((permissions & 2) != 0 ? 'w' : '-');
            text.Append((permissions & 1) != 0 ? 'x' : '-');
        }
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}

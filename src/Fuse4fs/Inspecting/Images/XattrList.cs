using Fuse4fs.Ext4;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Linux;

namespace Fuse4fs.Inspecting.Images;

/// <summary>All extended attributes of an inode, ACLs in the form of getxattr(2).</summary>
internal static class XattrList
{
    private const int MostListBytes = 65536;

    /// <summary>Reads names and values, trusted ones included: whoever can read the image can read them.</summary>
    /// <exception cref="Ext4CorruptException">They are damaged.</exception>
    public static List<KeyValuePair<byte[], byte[]>> Read(Volume volume, in InodeAttributes attributes)
    {
        var found = new List<KeyValuePair<byte[], byte[]>>();
        if (!attributes.MayHaveXattrs)
        {
            return found;
        }
        Check(volume.ListXattr(attributes.Number, includeTrusted: true, [], out int length));
        if (length > MostListBytes)
        {
            throw new InspectionException($"extended attributes: {length} bytes of names, which no program can list");
        }
        byte[] names = new byte[length];
        Check(volume.ListXattr(attributes.Number, includeTrusted: true, names, out length));
        for (ReadOnlySpan<byte> rest = names.AsSpan(0, length); !rest.IsEmpty;)
        {
            int end = rest.IndexOf((byte)0);
            byte[] name = (end < 0 ? rest : rest[..end]).ToArray();
            rest = end < 0 ? default : rest[(end + 1)..];
            Check(volume.GetXattr(attributes.Number, name, [], out int valueLength));
            byte[] value = new byte[valueLength];
            if (valueLength > 0)
            {
                Check(volume.GetXattr(attributes.Number, name, value, out valueLength));
            }
            found.Add(new(name, value));
        }
        return found;
    }

    private static void Check(Errno error)
    {
        if (error != Errno.Ok)
        {
            throw new InspectionException($"extended attributes: {Output.ErrnoText.Of(error)}");
        }
    }
}

using System.Buffers;
using Fuse4fs.Ext4.Format;
using Fuse4fs.Ext4.Inodes;
using Fuse4fs.Ext4.Storage;
using Fuse4fs.Ext4.Xattrs;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4;

public sealed partial class Volume
{
    /// <summary>Extended attributes of all inodes.</summary>
    internal XattrReader Xattrs { get; }

    /// <summary>Reads an extended attribute.</summary>
    /// <param name="number">Whose.</param>
    /// <param name="fullName">With prefix, as in "user.comment".</param>
    /// <param name="value">Receives the value, POSIX ACLs in the form of getxattr(2); empty asks for the
    /// length.</param>
    /// <param name="length">Bytes of the value.</param>
    /// <returns>Ok, NoData when it has no such attribute, Range when the value does not fit, NotSupported for a name
    /// space ext4 lacks, Invalid for an impossible name, Stale for an inode not in use.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno GetXattr(InodeNumber number, ReadOnlySpan<byte> fullName, Span<byte> value, out int length)
    {
        length = 0;
        Errno error = XattrName.TryParse(fullName, out XattrName name);
        if (error != Errno.Ok)
        {
            return error;
        }
        error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            return name.IsAcl
                ? GetAcl(held.Inode, name, value, out length)
                : Xattrs.Get(held.Inode, name, value, out length);
        }
    }

    /// <summary>Lists the names of extended attributes, each ended by a zero byte.</summary>
    /// <param name="number">Whose.</param>
    /// <param name="includeTrusted">Whether the caller may see trusted.*.</param>
    /// <param name="list">Receives the names; empty asks for the length.</param>
    /// <param name="length">Bytes of the list.</param>
    /// <returns>Ok, Range when the list does not fit, Stale for an inode not in use.</returns>
    /// <exception cref="Ext4CorruptException">The attributes are damaged.</exception>
    /// <exception cref="DeviceException">Reading failed.</exception>
    public Errno ListXattr(InodeNumber number, bool includeTrusted, Span<byte> list, out int length)
    {
        length = 0;
        Errno error = Share(number, out SharedInode held);
        if (error != Errno.Ok)
        {
            return error;
        }
        using (held)
        {
            return Xattrs.List(held.Inode, includeTrusted, list, out length);
        }
    }

    private Errno GetAcl(Inode inode, XattrName name, Span<byte> wire, out int length)
    {
        length = 0;
        Errno error = Xattrs.Get(inode, name, default, out int storedLength);
        if (error != Errno.Ok || storedLength == 0)
        {
            return error == Errno.Ok ? Errno.NoData : error;
        }
        byte[] stored = ArrayPool<byte>.Shared.Rent(storedLength);
        try
        {
            error = Xattrs.Get(inode, name, stored, out storedLength);
            return error == Errno.Ok ? AclFormat.ToWire(stored.AsSpan(0, storedLength), wire, out length) : error;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }
}

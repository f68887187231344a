using System.Buffers.Binary;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>POSIX ACLs in their two forms: on disk (version 1, ids only for named users and groups) and on the wire
/// (version 2, as getxattr(2) shows them). Kernel: ext4_acl_from_disk; uapi: posix_acl_xattr.h.</summary>
internal static class AclFormat
{
    /// <summary>Bytes of the version in front of the entries, in both forms.</summary>
    public const int HeaderBytes = 4;

    private const uint DiskVersion = 1;
    private const uint WireVersion = 2;
    private const int ShortEntryBytes = 4;
    private const int LongEntryBytes = 8;

    /// <summary>e_id of entries that need none.</summary>
    private const uint NoId = uint.MaxValue;

    /// <summary>Converts from disk to wire.</summary>
    /// <param name="disk">The stored value.</param>
    /// <param name="wire">Receives the wire form; empty asks for the length.</param>
    /// <param name="length">Bytes of the wire form.</param>
    /// <returns>Invalid for an impossible value, NoData for one without entries, Range when it does not fit.</returns>
    public static Errno ToWire(ReadOnlySpan<byte> disk, Span<byte> wire, out int length)
    {
        length = 0;
        if (disk.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(disk) != DiskVersion)
        {
            return Errno.Invalid;
        }
        ReadOnlySpan<byte> rest = disk[HeaderBytes..];
        if (rest.IsEmpty)
        {
            return Errno.NoData;
        }
        int needed = HeaderBytes;
        bool isQuestion = wire.IsEmpty;
        if (!isQuestion && wire.Length >= HeaderBytes)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(wire, WireVersion);
        }
        while (!rest.IsEmpty)
        {
            int bytes = rest.Length < ShortEntryBytes ? 0 : DiskEntryBytes(rest);
            if (bytes == 0 || bytes > rest.Length)
            {
                return Errno.Invalid;
            }
            if (!isQuestion && needed + LongEntryBytes <= wire.Length)
            {
                rest[..ShortEntryBytes].CopyTo(wire[needed..]);
                uint id = bytes == LongEntryBytes
                    ? BinaryPrimitives.ReadUInt32LittleEndian(rest[ShortEntryBytes..])
                    : NoId;
                BinaryPrimitives.WriteUInt32LittleEndian(wire[(needed + ShortEntryBytes)..], id);
            }
            needed += LongEntryBytes;
            rest = rest[bytes..];
        }
        length = needed;
        return isQuestion || needed <= wire.Length ? Errno.Ok : Errno.Range;
    }

    /// <summary>The version each form begins with.</summary>
    public static uint VersionOf(bool isWire) => isWire ? WireVersion : DiskVersion;

    /// <summary>Bytes of an entry on disk.</summary>
    public static int DiskBytes(AclEntry entry) => entry.IsNamed ? LongEntryBytes : ShortEntryBytes;

    /// <summary>Takes the next entry of either form.</summary>
    /// <returns>False when it is impossible.</returns>
    public static bool TryReadEntry(ref ReadOnlySpan<byte> rest, bool isWire, out AclEntry entry)
    {
        entry = default;
        int bytes = rest.Length < ShortEntryBytes ? 0 : DiskEntryBytes(rest);
        if (bytes == 0)
        {
            return false;
        }
        bool isLong = bytes == LongEntryBytes;
        bytes = isWire ? LongEntryBytes : bytes;
        if (rest.Length < bytes)
        {
            return false;
        }
        entry = new AclEntry(
            (AclTag)BinaryPrimitives.ReadUInt16LittleEndian(rest),
            BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]),
            isLong ? BinaryPrimitives.ReadUInt32LittleEndian(rest[ShortEntryBytes..]) : NoId);
        rest = rest[bytes..];
        return !isLong || entry.Id != NoId;
    }

    /// <summary>Writes an entry in the form of the disk.</summary>
    public static void WriteDiskEntry(ref Span<byte> rest, AclEntry entry)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)entry.Tag);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], entry.Rights);
        if (entry.IsNamed)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest[ShortEntryBytes..], entry.Id);
        }
        rest = rest[DiskBytes(entry)..];
    }

    private static int DiskEntryBytes(ReadOnlySpan<byte> entry) =>
        (AclTag)BinaryPrimitives.ReadUInt16LittleEndian(entry) switch
        {
            AclTag.UserObject or AclTag.GroupObject or AclTag.Mask or AclTag.Other => ShortEntryBytes,
            AclTag.User or AclTag.Group => LongEntryBytes,
            _ => 0,
        };
}

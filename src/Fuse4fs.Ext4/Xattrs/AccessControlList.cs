using System.Buffers.Binary;
using Fuse4fs.Linux;

namespace Fuse4fs.Ext4.Xattrs;

/// <summary>A POSIX ACL in memory, and what it means for a mode. acl(5). Kernel: fs/posix_acl.c.</summary>
internal sealed class AccessControlList
{
    private const int AllRights = 7;
    private const int UserShift = 6;
    private const int GroupShift = 3;

    private readonly AclEntry[] _entries;

    private AccessControlList(AclEntry[] entries) => _entries = entries;

    public ReadOnlySpan<AclEntry> Entries => _entries;

    /// <summary>Decodes the form of setxattr(2), or of the disk.</summary>
    /// <param name="bytes">Either form.</param>
    /// <param name="isWire">Which one.</param>
    /// <param name="list">Null with Ok when it has no entries: the ACL is to be removed.</param>
    /// <returns>Ok, Invalid, or NotSupported for another version of the wire form.</returns>
    public static Errno TryDecode(ReadOnlySpan<byte> bytes, bool isWire, out AccessControlList? list)
    {
        list = null;
        if (bytes.IsEmpty)
        {
            return Errno.Ok;
        }
        if (bytes.Length < AclFormat.HeaderBytes)
        {
            return Errno.Invalid;
        }
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != AclFormat.VersionOf(isWire))
        {
            return isWire ? Errno.NotSupported : Errno.Invalid;
        }
        var entries = new List<AclEntry>();
        for (ReadOnlySpan<byte> rest = bytes[AclFormat.HeaderBytes..]; !rest.IsEmpty;)
        {
            if (!AclFormat.TryReadEntry(ref rest, isWire, out AclEntry entry))
            {
                return Errno.Invalid;
            }
            entries.Add(entry);
        }
        if (entries.Count > 0)
        {
            list = new AccessControlList([.. entries]);
        }
        return list is null || list.IsValid() ? Errno.Ok : Errno.Invalid;
    }

    /// <summary>The form of the disk.</summary>
    public byte[] ToDisk()
    {
        byte[] disk = new byte[AclFormat.HeaderBytes + _entries.Sum(AclFormat.DiskBytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(disk, AclFormat.VersionOf(isWire: false));
        Span<byte> rest = disk.AsSpan(AclFormat.HeaderBytes);
        foreach (AclEntry entry in _entries)
        {
            AclFormat.WriteDiskEntry(ref rest, entry);
        }
        return disk;
    }

    /// <summary>The permission bits a file with this access ACL shows.</summary>
    /// <param name="mode">Its mode; the permission bits are replaced.</param>
    /// <param name="isNeeded">False when the permission bits say all there is.</param>
    /// <remarks>Kernel: posix_acl_equiv_mode.</remarks>
    public ushort ApplyTo(ushort mode, out bool isNeeded)
    {
        isNeeded = false;
        int bits = 0;
        foreach (AclEntry entry in _entries)
        {
            switch (entry.Tag)
            {
                case AclTag.UserObject:
                    bits |= entry.Rights << UserShift;
                    break;
                case AclTag.GroupObject:
                    bits |= entry.Rights << GroupShift;
                    break;
                case AclTag.Other:
                    bits |= entry.Rights;
                    break;
                case AclTag.Mask:
                    bits = (bits & ~(AllRights << GroupShift)) | (entry.Rights << GroupShift);
                    isNeeded = true;
                    break;
                default:
                    isNeeded = true;
                    break;
            }
        }
        return (ushort)((mode & ~PermissionBits) | bits);
    }

    /// <summary>The access ACL of a new file in a directory whose default ACL this is.</summary>
    /// <param name="mode">What the creator asked for; receives what the file gets.</param>
    /// <param name="isNeeded">False when the mode says all there is.</param>
    /// <remarks>The umask does not count. Kernel: posix_acl_create_masq.</remarks>
    public AccessControlList Inherit(ref ushort mode, out bool isNeeded)
    {
        var entries = (AclEntry[])_entries.Clone();
        int bits = mode & PermissionBits;
        int group = Array.FindIndex(entries, entry => entry.Tag == AclTag.Mask);
        group = group >= 0 ? group : Array.FindIndex(entries, entry => entry.Tag == AclTag.GroupObject);
        isNeeded = false;
        for (int i = 0; i < entries.Length; i++)
        {
            ref AclEntry entry = ref entries[i];
            isNeeded |= entry.IsNamed || entry.Tag == AclTag.Mask;
            int shift = ShiftOf(entry.Tag, i == group);
            if (shift >= 0)
            {
                entry.Rights &= (ushort)(bits >> shift);
                bits &= (entry.Rights << shift) | ~(AllRights << shift);
            }
        }
        mode = (ushort)((mode & ~PermissionBits) | bits);
        return new AccessControlList(entries);
    }

    /// <summary>The access ACL after chmod(2). Kernel: __posix_acl_chmod_masq.</summary>
    public AccessControlList ChangeMode(ushort mode)
    {
        var entries = (AclEntry[])_entries.Clone();
        int group = Array.FindIndex(entries, entry => entry.Tag == AclTag.Mask);
        group = group >= 0 ? group : Array.FindIndex(entries, entry => entry.Tag == AclTag.GroupObject);
        for (int i = 0; i < entries.Length; i++)
        {
            int shift = ShiftOf(entries[i].Tag, i == group);
            if (shift >= 0)
            {
                entries[i].Rights = (ushort)((mode >> shift) & AllRights);
            }
        }
        return new AccessControlList(entries);
    }

    private const int PermissionBits = 0x1FF;

    /// <summary>Where the bits of an entry are in a mode; -1 for entries a mode does not show.</summary>
    private static int ShiftOf(AclTag tag, bool isGroupClass) => tag switch
    {
        AclTag.UserObject => UserShift,
        AclTag.Other => 0,
        _ => isGroupClass ? GroupShift : -1,
    };

    /// <summary>Owner, named users, group, named groups, mask (needed with names), others, in this order. Kernel:
    /// posix_acl_valid.</summary>
    private bool IsValid()
    {
        AclTag previous = 0;
        bool hasNames = false;
        bool hasMask = false;
        bool hasGroup = false;
        foreach (AclEntry entry in _entries)
        {
            bool isRepeatable = entry.IsNamed;
            if (entry.Rights > AllRights || entry.Tag < previous || (entry.Tag == previous && !isRepeatable))
            {
                return false;
            }
            hasNames |= entry.IsNamed;
            hasMask |= entry.Tag == AclTag.Mask;
            hasGroup |= entry.Tag == AclTag.GroupObject;
            previous = entry.Tag;
        }
        return _entries[0].Tag == AclTag.UserObject && hasGroup && previous == AclTag.Other && (hasMask || !hasNames);
    }
}
